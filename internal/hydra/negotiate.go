package hydra

import (
	"mime"
	"strconv"
	"strings"

	"sede/internal/fault"
)

// The media types that sede reads and writes.
const (
	typeJSONLD     = "application/ld+json"
	typeJSON       = "application/json"
	typeHAL        = "application/hal+json"
	typeJSONAPI    = "application/vnd.api+json"
	typeCSV        = "text/csv"
	typeHTML       = "text/html"
	typeProblem    = "application/problem+json"
	typeMergePatch = "application/merge-patch+json"
	typeMultipart  = "multipart/form-data"
	typeOpenAPI    = "application/vnd.openapi+json"
)

// format is one way to write an answer.
type format struct {
	suffix  string   // of a path that asks for it, e.g. "jsonld"
	media   string   // its media type
	header  []string // the Content-Type of answers
	variant byte     // its letter in ETags
}

func newFormat(suffix, media string, variant byte) *format {
	return &format{suffix: suffix, media: media, header: []string{media + "; charset=utf-8"}, variant: variant}
}

var (
	formatJSONLD  = newFormat("jsonld", typeJSONLD, 'l')
	formatJSON    = newFormat("json", typeJSON, 'j')
	formatHAL     = newFormat("jsonhal", typeHAL, 'h')
	formatJSONAPI = newFormat("jsonapi", typeJSONAPI, 'a')
	formatCSV     = newFormat("csv", typeCSV, 'c')
	formatHTML    = newFormat("html", typeHTML, 'w')
	formatProblem = newFormat("problem", typeProblem, 'p')
	formatOpenAPI = newFormat("jsonopenapi", typeOpenAPI, 'o')
)

// The formats on offer, the default first.
var (
	itemFormats     = []*format{formatJSONLD, formatJSON, formatHAL, formatJSONAPI, formatHTML}
	listFormats     = []*format{formatJSONLD, formatJSON, formatHAL, formatJSONAPI, formatCSV, formatHTML}
	writeFormats    = []*format{formatJSONLD, formatJSON, formatHAL, formatJSONAPI}
	errorFormats    = []*format{formatJSONLD, formatProblem, formatJSON, formatJSONAPI, formatHTML}
	documentFormats = []*format{formatJSONLD, formatOpenAPI, formatJSON, formatHTML}
)

// ownFormats are those that paths can name, whatever the resource.
var ownFormats = []*format{formatJSONLD, formatJSON, formatHAL, formatJSONAPI, formatCSV, formatHTML, formatOpenAPI}

// choose picks the format that an Accept header prefers (RFC 9110, 12.5.1): by
// quality, then by how exact the range is, then by the order on offer. No
// header means the first on offer. It returns nil when nothing matches.
func choose(accept string, offer []*format) *format {
	if accept == "" || accept == "*/*" || accept == offer[0].media {
		return offer[0]
	}
	ranges := parseAccept(accept)
	var best *format
	bestQuality := -1
	for i, f := range offer {
		quality, named := qualityOf(ranges, f.media)
		if quality <= 0 {
			continue
		}
		rank := quality * 1000
		if named { // a type that is named wins over one behind a wildcard
			rank += len(offer)
		}
		rank += len(offer) - i
		if rank > bestQuality {
			best, bestQuality = f, rank
		}
	}
	return best
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	kind, sub string
	quality   int // 0 to 1000
}

// maxRanges bounds the work that one Accept header can cause.
const maxRanges = 32

func parseAccept(accept string) []mediaRange {
	var ranges []mediaRange
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, _ := strings.Cut(part, ";")
		kind, sub, ok := strings.Cut(strings.ToLower(strings.TrimSpace(media)), "/")
		if !ok || len(ranges) == maxRanges {
			continue
		}
		r := mediaRange{kind: kind, sub: strings.TrimSpace(sub), quality: 1000}
		for parameter := range strings.SplitSeq(parameters, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if strings.EqualFold(name, "q") {
				q, err := strconv.ParseFloat(value, 64)
				if err != nil || !(q >= 0 && q <= 1) {
					q = 0
				}
				r.quality = int(q * 1000)
			}
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// qualityOf returns the quality of the most exact range that covers the type
// and whether that range names it.
func qualityOf(ranges []mediaRange, media string) (quality int, named bool) {
	kind, sub, _ := strings.Cut(media, "/")
	exact := -1
	for _, r := range ranges {
		level := -1
		switch {
		case r.kind == kind && r.sub == sub:
			level = 2
		case r.kind == kind && r.sub == "*":
			level = 1
		case r.kind == "*" && r.sub == "*":
			level = 0
		}
		if level > exact {
			exact, quality = level, r.quality
		}
	}
	return quality, exact == 2
}

// notAcceptable is the error for an Accept header that nothing on offer meets.
func notAcceptable(accept string, offer []*format) error {
	return fault.New(fault.NotAcceptable, "Requested format %q is not supported. Supported MIME types are %s.", accept, quoted(mediaOf(offer)))
}

func mediaOf(offer []*format) []string {
	list := make([]string, len(offer))
	for i, f := range offer {
		list[i] = f.media
	}
	return list
}

// quoted lists media types for a message: "a/b", "c/d".
func quoted(types []string) string { return `"` + strings.Join(types, `", "`) + `"` }

// bodyType returns the media type of a body if the operation reads it.
func bodyType(header string, accepted []string) (media string, parameters map[string]string, err error) {
	if header == "" {
		return "", nil, fault.New(fault.UnsupportedMediaType, `The "Content-Type" header must exist.`)
	}
	for _, m := range accepted { // the usual spelling, without a parse
		if header == m {
			return m, nil, nil
		}
	}
	media, parameters, parseErr := mime.ParseMediaType(header)
	for _, m := range accepted {
		if parseErr == nil && media == m {
			return m, parameters, nil
		}
	}
	return "", nil, fault.New(fault.UnsupportedMediaType, "The content-type %q is not supported. Supported MIME types are %s.", header, quoted(accepted))
}
