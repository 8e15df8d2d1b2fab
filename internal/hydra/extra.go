package hydra

import (
	"context"
	"strings"

	"sede/internal/access"
)

// Format is one more way to write the items of a resource, beside those that
// every resource has, such as text/calendar. Whoever may read an item or a
// collection may read it in the format, by Accept or by a suffix of the path.
type Format[T any] struct {
	Suffix string // of paths, e.g. "ics"; the same for all resources with that type
	Media  string // the media type
	// Encode writes the items: the one that was asked for, or a page of them. It
	// may look up what is not in them.
	Encode func(ctx context.Context, who *access.Caller, items []T) ([]byte, error)
}

// addFormats makes the resource's own formats known.
func addFormats[T any](api *API, m *model[T], declared []Format[T]) error {
	m.extra = map[*format]func(context.Context, *access.Caller, []T) ([]byte, error){}
	for _, d := range declared {
		f, err := api.formatOf(m.res.name, d.Suffix, d.Media)
		if err != nil {
			return err
		}
		m.res.extra = append(m.res.extra, f)
		m.extra[f] = d.Encode
	}
	return nil
}

// formatOf returns the format with that suffix. A suffix and a type belong to
// each other.
func (api *API) formatOf(res, suffix, media string) (*format, error) {
	for _, f := range api.formats {
		switch {
		case f.suffix == suffix && f.media == media:
			return f, nil
		case f.suffix == suffix || f.media == media:
			return nil, mismatch(res, "format .%s is not %s everywhere", suffix, media)
		}
	}
	f := newFormat(suffix, media, byte('A'+len(api.formats)))
	if !strings.HasPrefix(media, "text/") {
		f.header = []string{media}
	}
	api.formats = append(api.formats, f)
	return f, nil
}

// offer lists the formats in which the operation can answer, the default first.
func (op *operation) offer() []*format {
	var list []*format
	switch {
	case op.kind == opStream:
		return op.streams
	case op.kind == opList:
		list = listFormats
	case op.method == "GET":
		list = itemFormats
	default:
		return writeFormats
	}
	if op.output == nil || len(op.output.extra) == 0 {
		return list
	}
	return append(append([]*format(nil), list...), op.output.extra...)
}

// encodeExtra fills the buffer with the items in one of the resource's own
// formats; false when the answer's format is none of them.
func (m *model[T]) encodeExtra(x *exchange, items []T) (bool, error) {
	encode, is := m.extra[x.format]
	if !is {
		return false, nil
	}
	content, err := encode(x.ctx, x.who, items)
	x.buf = append(x.buf, content...)
	return true, err
}
