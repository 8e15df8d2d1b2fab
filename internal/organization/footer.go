package organization

import (
	"strings"
	"time"

	"sede/internal/footer"
	"sede/internal/ident"
	"sede/internal/null"
)

// MailFooter is what ends every mail of an organization.
type MailFooter struct {
	Organization ident.ID
	HTML         null.Value[string] // clean, with placeholders; null: there is none
	Version      int64
	UpdatedAt    null.Value[time.Time] // null: there never was one

	// What follows from the HTML and the organization as it is now.
	Preview  string // the HTML as mail has it
	Text     string // the plain twin of the preview
	Warnings []footer.Warning
}

// render fills what follows.
func (f *MailFooter) render(v *footer.Values) (err error) {
	if f.Preview, f.Text, err = footer.Render(f.HTML.V, v); err != nil {
		return err
	}
	f.Warnings = footer.Warnings(f.HTML.V, len(f.Preview))
	return nil
}

// How large images of an organization are shown in mail, in pixels, unless the
// author says otherwise.
const (
	maxLogoWidth  = 200
	maxLogoHeight = 60
	maxIcon       = 48
)

// shownImage is the rendition to load so that an image fits into a frame, sharp
// on fine screens too.
func shownImage(sizes []Image, maxWidth, maxHeight int64) (shown footer.Image) {
	if len(sizes) == 0 {
		return shown
	}
	largest := sizes[0]
	for _, s := range sizes {
		if s.Width > largest.Width {
			largest = s
		}
	}
	width, height := largest.Width, largest.Height
	if width > maxWidth {
		width, height = maxWidth, max(1, height*maxWidth/width)
	}
	if height > maxHeight {
		width, height = max(1, width*maxHeight/height), maxHeight
	}
	best := largest
	for _, s := range sizes {
		if s.Width >= 2*width && s.Width < best.Width {
			best = s
		}
	}
	return footer.Image{URL: best.URL, Width: int(width), Height: int(height)}
}

// line is the address in one line; country is the country's name.
func (a *Address) line(country string) string {
	street := strings.TrimSpace(a.StreetLine.V + " " + a.BuildingNumber.V)
	if a.LocaleNumber.Valid {
		street += "/" + a.LocaleNumber.V
	}
	var parts []string
	for _, part := range []string{street, strings.TrimSpace(a.PostCode.V + " " + a.City.V), country} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
