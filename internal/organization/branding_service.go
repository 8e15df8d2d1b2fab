package organization

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/blob"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/picture"
)

// mayBrand says who chooses what the organization looks like.
var mayBrand = access.Within(access.Admins).ToChange()

// branding makes and keeps the images of organizations.
type branding struct {
	blobs blob.Store
	base  string // of the images' URLs
	turn  turn   // whose image is decoded, which takes much memory
}

func newBranding(blobs blob.Store, base string) *branding {
	return &branding{blobs: blobs, base: base, turn: newTurn()}
}

// patience is how long an image waits for those before it.
const patience = 30 * time.Second

// render makes the renditions of a file, one file at a time.
func (b *branding) render(ctx context.Context, org ident.ID, kind string, file []byte) ([]picture.Rendition, error) {
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if !b.turn.take(waiting, org) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, &fault.Error{Kind: fault.Unavailable, RetryAfter: patience, Text: fault.Textf("Too many images are waiting. Try again later.")}
	}
	defer b.turn.give(org)
	if kind == Icon {
		return picture.Icon(file)
	}
	return picture.Logo(file)
}

// keep stores the renditions, so that their URLs work from then on.
func (b *branding) keep(ctx context.Context, address string, list []picture.Rendition) error {
	for _, r := range list {
		width := strconv.Itoa(r.Width)
		if err := b.blobs.Put(ctx, imageKey(address, width, extensionPNG), r.PNG); err != nil {
			return err
		}
		if err := b.blobs.Put(ctx, imageKey(address, width, extensionWebP), r.WebP); err != nil {
			return err
		}
	}
	return nil
}

// illustrate fills the URLs of the organization's images.
func (b *branding) illustrate(o *Organization) {
	o.Icon, o.Logo = imagesOf(b.base, o.iconSet), imagesOf(b.base, o.logoSet)
}

// SetImage makes the file the caller's organization's image of that kind. What
// was there keeps its URLs, since mail that was sent shows it.
func (s *Service) SetImage(ctx context.Context, who *access.Caller, kind string, file []byte, o *Organization) error {
	if err := mayBrand.Check(who); err != nil {
		return err
	}
	list, err := s.branding.render(ctx, who.Organization, kind, file)
	if err != nil {
		return err
	}
	set := setOf(who.Organization, kind, list)
	if err := s.roomForImage(ctx, who, set.address); err != nil {
		return err
	}
	if err := s.branding.keep(ctx, set.address, list); err != nil {
		return err
	}
	return s.putImage(ctx, who, kind, null.Of(set.text()), o)
}

// maxImages bounds how many images an organization may ever have shown, since the
// files of all of them stay.
const maxImages = 1000

// roomForImage refuses an image that would be one too many.
func (s *Service) roomForImage(ctx context.Context, who *access.Caller, address string) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		shown, known, err := imagesShown(tx, who.Scope(), address)
		if err == nil && shown >= maxImages && !known {
			err = fault.New(fault.Conflict, "The organization has shown %d images, which are all kept for mail that was sent. Only one of those can be set again.", shown)
		}
		return err
	})
}

// RemoveImage takes the image away from the caller's organization; its URLs go
// on. Without one nothing is to be done.
func (s *Service) RemoveImage(ctx context.Context, who *access.Caller, kind string) error {
	return s.putImage(ctx, who, kind, null.Value[string]{}, new(Organization))
}

// putImage stores what the organization shows.
func (s *Service) putImage(ctx context.Context, who *access.Caller, kind string, stored null.Value[string], o *Organization) error {
	if err := mayBrand.Check(who); err != nil {
		return err
	}
	store, err := s.store(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*o = Organization{}
		if err := lockImages(tx, who.Scope()); err != nil {
			return err
		}
		role, err := s.enter(tx, who, who.Organization.String(), o)
		if err != nil {
			return err
		}
		before := *o
		if *o.image(kind) = stored; *before.image(kind) == stored {
			return s.completeOne(tx, who, store, o, role)
		}
		o.Version, o.UpdatedAt = o.Version+1, s.now.Now().Truncate(time.Second)
		s.branding.illustrate(o)
		if err := updateImages(tx, who.Scope(), o); err != nil {
			return err
		}
		if stored.Valid {
			if err := rememberImage(tx, who.Scope(), s.ids.New(), kind, parseSet(stored.V), o.UpdatedAt); err != nil {
				return err
			}
		}
		entry := audit.Entry{Action: "update", Resource: "Organization", Key: o.ID.String(), Before: hydra.JSON(fields, &before), After: hydra.JSON(fields, o)}
		if err := s.record(tx, who.Scope(), who, entry); err != nil {
			return err
		}
		return s.completeOne(tx, who, store, o, role)
	})
}

// imageURL is the end of the URL of an image in one size.
var imageURL = regexp.MustCompile(`/images/([0-9a-f]{32})/([1-9][0-9]{0,3})$`)

// HasImage reports whether some organization lists, or listed, the image behind a
// URL. The transaction's scope is the instance.
func (s *Service) HasImage(tx *db.Tx, url string) (bool, error) {
	parts := imageURL.FindStringSubmatch(url)
	if parts == nil {
		return false, nil
	}
	return hasImage(tx, parts[1])
}

// ImageAt returns the image behind a URL that an organization lists, as PNG; nil
// when there is none.
func (s *Service) ImageAt(ctx context.Context, url string) ([]byte, error) {
	parts := imageURL.FindStringSubmatch(url)
	if parts == nil {
		return nil, nil
	}
	content, err := s.branding.blobs.Get(ctx, imageKey(parts[1], parts[2], extensionPNG))
	if errors.Is(err, blob.ErrNotExist) {
		return nil, nil
	}
	return content, err
}
