package organization

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"sede/internal/access"
	"sede/internal/blob"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/picture"
	"sede/internal/throttle"
)

// imageFields show one size of an image.
var imageFields = []hydra.Field[Image]{
	hydra.Int("width", func(i *Image) *int64 { return &i.Width }).Doc("Pixels."),
	hydra.Int("height", func(i *Image) *int64 { return &i.Height }).Doc("Pixels."),
	hydra.Text("url", func(i *Image) *string { return &i.URL }).Format("uri").
		Doc("Where everybody can load it. What it shows never changes; it is WebP for those who accept that, else PNG."),
}

// uploadedImage is what comes in.
type uploadedImage struct{ File hydra.Upload }

func uploadedImageFields(becomes string) []hydra.Field[uploadedImage] {
	return []hydra.Field[uploadedImage]{
		hydra.File("file", func(in *uploadedImage) *hydra.Upload { return &in.File }).Required().MaxBytes(picture.MaxBytes).
			Doc("A still PNG, JPEG, WebP, GIF or SVG image of up to 5 MiB and 40 megapixels. Its content counts, not its name. " + becomes),
	}
}

// imageOperations set and remove the images.
func (s *Service) imageOperations() []hydra.Operation {
	upload := func(kind, becomes string) hydra.Operation {
		return hydra.Action[uploadedImage, Organization]{
			Path: "/organizations/" + kind, Access: mayBrand, Class: throttle.Heavy, Fields: uploadedImageFields(becomes),
			Detail: "It makes a file the " + kind + " of the organization. What was there before keeps its URLs.",
			Do: func(ctx context.Context, who *access.Caller, _ string, in *uploadedImage, o *Organization) error {
				return s.SetImage(ctx, who, kind, in.File.Content, o)
			},
		}
	}
	remove := func(kind string) hydra.Operation {
		return hydra.Delete[Organization]{
			Path: "/organizations/" + kind, Access: mayBrand, Doc: "Takes the " + kind + " away. URLs that were given out keep working.",
			Do: func(ctx context.Context, who *access.Caller, _ string) error { return s.RemoveImage(ctx, who, kind) },
		}
	}
	return []hydra.Operation{
		upload(Icon, "It becomes the icon, in squares. An image that is no square gets transparent edges."), remove(Icon),
		upload(Logo, "It becomes the logo, in its own proportion."), remove(Logo),
	}
}

// imageRoutes serve the images to everybody who knows their address.
func (s *Service) imageRoutes(problem func(http.ResponseWriter, *http.Request, error)) []hydra.Route {
	return []hydra.Route{{Pattern: "GET /images/{address}/{width}", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.serveImage(w, r); err != nil {
			problem(w, r, err)
		}
	})}}
}

var (
	addressForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
	widthForm   = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
)

// serveImage answers with an image that everybody may keep for good.
func (s *Service) serveImage(w http.ResponseWriter, r *http.Request) error {
	address, width := r.PathValue("address"), r.PathValue("width")
	if !addressForm.MatchString(address) || !widthForm.MatchString(width) {
		return fault.Missing()
	}
	extension := extensionPNG
	if acceptsWebP(r.Header.Get("Accept")) {
		extension = extensionWebP
	}
	tag := `"` + address + "-" + width + "-" + extension + `"`
	content, err := s.branding.blobs.Get(r.Context(), imageKey(address, width, extension))
	if errors.Is(err, blob.ErrNotExist) {
		return fault.Missing()
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Etag", tag)
	h.Add("Vary", "Accept")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if hasTag(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "image/"+extension)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // the client is gone when this fails
	}
	return nil
}

// acceptsWebP reports whether the client names WebP. A wildcard is not enough:
// programs for mail send it and can't show WebP.
func acceptsWebP(accept string) bool {
	for _, part := range strings.Split(accept, ",") {
		media, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(media), "image/webp") {
			continue
		}
		quality := 1.0
		for _, p := range strings.Split(parameters, ";") {
			if value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
				quality, _ = strconv.ParseFloat(value, 64)
			}
		}
		return quality > 0
	}
	return false
}

// hasTag reports whether the list of ETags of If-None-Match holds the tag (RFC
// 9110, 13.1.2).
func hasTag(list, tag string) bool {
	for _, one := range strings.Split(list, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

// describeImages adds the images to the OpenAPI document.
func describeImages(document *openapi3.T) {
	binary := openapi3.NewStringSchema().WithFormat("binary")
	op := &openapi3.Operation{Security: &openapi3.SecurityRequirements{}, OperationID: "image_get", Tags: []string{"Organization"},
		Summary: "Retrieves an image.", Description: "An icon or logo in one size. Its URL is given with the organization."}
	for name, form := range map[string]string{"address": "^[0-9a-f]{32}$", "width": "^[1-9][0-9]{0,3}$"} {
		op.Parameters = append(op.Parameters, &openapi3.ParameterRef{Value: openapi3.NewPathParameter(name).WithSchema(openapi3.NewStringSchema().WithPattern(form))})
	}
	content := openapi3.NewContentWithSchema(binary, []string{"image/png", "image/webp"})
	op.AddResponse(http.StatusOK, openapi3.NewResponse().WithDescription("The image").WithContent(content))
	op.AddResponse(http.StatusNotModified, openapi3.NewResponse().WithDescription("The caller has it"))
	hydra.AddLimits(op)
	hydra.AddProblems(op, http.StatusNotFound, http.StatusTooManyRequests)
	document.AddOperation("/images/{address}/{width}", http.MethodGet, op)
}
