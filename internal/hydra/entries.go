package hydra

import (
	"bytes"
	"strconv"

	"sede/internal/fault"
)

// maxEntries is how many entries a list may have that declares no number.
const maxEntries = 100

// Entries is a list of objects that bodies can set, always as a whole: what a
// body says takes the place of all that were there. The rules of the fields hold
// for each of the objects, and violations name the place: prices[0].amount.
func Entries[T, O any](name string, at func(*T) *[]O, fields ...Field[O]) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindObjects, most: maxEntries, fields: specsOf(fields)}, local: anyLocal(fields)}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		return appendList(dst, *at(item), func(dst []byte, o *O) []byte { return appendObject(dst, o, fields, e) })
	}
	f.set = func(item *T, raw rawValue, s *spec, in *intake) *fault.Violation {
		place := 0
		return setList(raw, at(item), s, func(raw rawValue, o *O) *fault.Violation {
			known := len(in.items)
			broken := setEntry(raw, o, fields, s, in, place)
			for i := known; i < len(in.items); i++ {
				in.items[i].field = name + placeOf(place) + "." + in.items[i].field
			}
			place++
			return broken
		})
	}
	f.check = func(item *T, s *spec, path string, list []fault.Violation) []fault.Violation {
		entries := *at(item)
		if len(entries) > s.most {
			return append(list, fault.Violation{Path: path, Code: fault.CodeTooLong, Text: fault.Textf("This list is too long. It may have up to %d entries.", s.most)})
		}
		for i := range entries {
			list = checkEntry(&entries[i], fields, path+placeOf(i)+".", list)
		}
		return list
	}
	return f
}

// Short lets an entry be written as the value of one of its fields alone; the
// others have their zero values then.
func (f Field[T]) Short(name string) Field[T] { f.short = name; return f }

// Most bounds the number of entries.
func (f Field[T]) Most(n int) Field[T] { f.most = n; return f }

func placeOf(i int) string { return "[" + strconv.Itoa(i) + "]" }

// setEntry reads one object. All that is wrong with its fields goes to
// in.broken; it returns a violation when it is no object at all.
func setEntry[O any](raw rawValue, o *O, fields []Field[O], s *spec, in *intake, place int) *fault.Violation {
	if raw.Kind() != '{' {
		for i := range fields {
			if f := &fields[i]; s.short != "" && f.name == s.short {
				in.note(f.set(o, raw, &f.spec, in), placeOf(place))
				return nil
			}
		}
		return &fault.Violation{Path: placeOf(place), Text: fault.Textf("The type of the %q attribute must be %q, %q given.", s.name+placeOf(place), "object", typeName(raw)), Code: fault.CodeType}
	}
	given := map[string]rawValue{}
	err := eachMember(bytes.Clone(raw), func(name []byte, value rawValue) error {
		given[string(name)] = value
		return nil
	})
	if err != nil {
		return &fault.Violation{Path: placeOf(place), Text: fault.Textf("Syntax error"), Code: fault.CodeType}
	}
	for i := range fields {
		f := &fields[i]
		if f.readOnly || f.set == nil {
			continue
		}
		value, there := given[f.name]
		switch at := placeOf(place) + "." + f.name; {
		case there:
			in.note(f.set(o, value, &f.spec, in), at)
		case f.required:
			broken := missing(&f.spec)
			broken.Path = ""
			in.note(&broken, at)
		}
	}
	return nil
}

// note keeps a violation of a part of the field that is read.
func (in *intake) note(broken *fault.Violation, at string) {
	in.broken = addBroken(in.broken, at, broken)
}

// checkEntry checks the rules of one object's fields.
func checkEntry[O any](o *O, fields []Field[O], path string, list []fault.Violation) []fault.Violation {
	for i := range fields {
		f := &fields[i]
		if f.readOnly || f.check == nil || complained(list, path+f.name) {
			continue
		}
		before := len(list)
		if list = f.check(o, &f.spec, path+f.name, list); len(list) > before || f.isNull != nil && f.isNull(o) {
			continue
		}
		for _, rule := range f.rules {
			list = addBroken(list, path+f.name, rule(o))
		}
	}
	return list
}
