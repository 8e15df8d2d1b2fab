package hydra

const hydraVocabulary = "http://www.w3.org/ns/hydra/core#"

// contextDocument is the answer to GET /contexts/{name}: the JSON-LD context of
// a resource, of the entrypoint or of an error. docsURL is the absolute URL of
// docs.jsonld; terms without a meaning of their own are resolved against it. It
// returns false when nothing has that name.
//
// The plain spellings of Hydra's keys are not mapped, so that in the spelling
// Both the two resolve to different properties.
func (api *API) contextDocument(docsURL, name string) ([]byte, bool) {
	dst := appendString([]byte(`{"@context":{"@vocab":`), docsURL+"#")
	dst = appendString(append(dst, `,"hydra":`...), hydraVocabulary)
	switch name {
	case "Entrypoint":
		for _, res := range api.listed() {
			key := shortNameKey(res.name)
			dst = appendLinkTerm(dst, key, "Entrypoint/"+key)
		}
	case "Error", "ConstraintViolation", "ConstraintViolationList":
	default:
		res := api.byName[name]
		if res == nil {
			return nil, false
		}
		for _, s := range res.specs {
			dst = s.appendTerm(dst, name)
		}
	}
	return append(dst, `}}`...), true
}

// property is the IRI of the field, relative to the documentation unless the
// declaration gives it a public meaning.
func (s *spec) property(class string) string {
	if s.iri != "" {
		return s.iri
	}
	return class + "/" + s.name
}

// hidden reports whether the field has no place in contexts and documents:
// identifiers that nobody can set say nothing that @id doesn't.
func (s *spec) hidden() bool { return s.isKey && s.readOnly }

// appendTerm adds what the field's key means within items of the class.
func (s *spec) appendTerm(dst []byte, class string) []byte {
	switch {
	case s.hidden():
		return dst
	case isRelation(s):
		return appendLinkTerm(dst, s.name, s.property(class))
	case len(s.fields) > 0:
		return s.appendScope(dst, class)
	case s.kind == kindRaw: // a JSON literal (JSON-LD 1.1, 4.2.2)
		dst = appendString(append(dst, ','), s.name)
		dst = appendString(append(dst, `:{"@id":`...), s.property(class))
		return append(dst, `,"@type":"@json"}`...)
	}
	dst = appendString(append(dst, ','), s.name)
	return appendString(append(dst, ':'), s.property(class))
}

// appendLinkTerm adds a term whose values are IRIs.
func appendLinkTerm(dst []byte, key, iri string) []byte {
	dst = appendString(append(dst, ','), key)
	dst = appendString(append(dst, `:{"@id":`...), iri)
	return append(dst, `,"@type":"@id"}`...)
}

// appendScope adds the term of an object with a context of its own, since its
// keys may mean something else than those of the item around it (JSON-LD 1.1,
// 4.1.8).
func (s *spec) appendScope(dst []byte, class string) []byte {
	iri := s.property(class)
	dst = appendString(append(dst, ','), s.name)
	dst = appendString(append(dst, `:{"@id":`...), iri)
	inner := []byte{}
	for i := range s.fields {
		inner = s.fields[i].appendTerm(inner, class+"/"+s.name)
	}
	dst = append(dst, `,"@context":{`...)
	if len(inner) > 0 {
		dst = append(dst, inner[1:]...)
	}
	return append(dst, `}}`...)
}
