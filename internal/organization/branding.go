package organization

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/picture"
)

// The kinds of images that stand for an organization.
const (
	Icon = "icon" // square, in picture.IconSizes
	Logo = "logo" // in its own proportion, in picture.LogoWidths
)

// Image is one size of an organization's icon or logo.
type Image struct {
	Width  int64 // pixels
	Height int64
	URL    string // what it shows never changes
}

// imageSet is all sizes of an icon or logo.
type imageSet struct {
	address string // names the pixels and whose they are
	sizes   []size
}

type size struct{ width, height int }

// setOf names what was made for an organization. The address is made of the
// organization and the pixels: it can't be guessed, and the same file gives the
// same.
func setOf(organization ident.ID, kind string, list []picture.Rendition) imageSet {
	digest := sha256.New()
	_, _ = fmt.Fprintf(digest, "%s %s", organization, kind)
	set := imageSet{sizes: make([]size, len(list))}
	for i, r := range list {
		set.sizes[i] = size{r.Width, r.Height}
		_, _ = fmt.Fprintf(digest, " %dx%d %d ", r.Width, r.Height, len(r.PNG))
		_, _ = digest.Write(r.PNG)
	}
	set.address = hex.EncodeToString(digest.Sum(nil)[:16])
	return set
}

// sizesText lists the sizes: "16x16 32x32".
func (set *imageSet) sizesText() string {
	var b strings.Builder
	for i, s := range set.sizes {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(s.width) + "x" + strconv.Itoa(s.height))
	}
	return b.String()
}

// text is how the set is stored with the organization.
func (set *imageSet) text() string { return set.address + " " + set.sizesText() }

// parseSet reads what text wrote.
func parseSet(text string) (set imageSet) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return set
	}
	set.address = words[0]
	for _, word := range words[1:] {
		w, h, _ := strings.Cut(word, "x")
		var s size
		s.width, _ = strconv.Atoi(w)
		s.height, _ = strconv.Atoi(h)
		set.sizes = append(set.sizes, s)
	}
	return set
}

// imagePath is the path of one size below the API's prefix.
func imagePath(address string, width int) string {
	return "/images/" + address + "/" + strconv.Itoa(width)
}

// The formats that images are served in, by the end of their blobs' keys.
const (
	extensionPNG  = "png"
	extensionWebP = "webp"
)

// imageKey is where the blob of one size is.
func imageKey(address, width, extension string) string {
	return "images/" + address + "/" + width + "." + extension
}

// imagesOf lists the sizes with their URLs below base; nil when there are none.
func imagesOf(base string, stored null.Value[string]) []Image {
	if !stored.Valid {
		return nil
	}
	set := parseSet(stored.V)
	list := make([]Image, len(set.sizes))
	for i, s := range set.sizes {
		list[i] = Image{Width: int64(s.width), Height: int64(s.height), URL: base + imagePath(set.address, s.width)}
	}
	return list
}

// image is what is stored for the kind.
func (o *Organization) image(kind string) *null.Value[string] {
	if kind == Icon {
		return &o.iconSet
	}
	return &o.logoSet
}
