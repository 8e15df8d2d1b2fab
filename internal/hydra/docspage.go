package hydra

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/swaggest/swgui/v5/static"
)

// pageTemplate is the page on which the API can be read and tried. It loads
// nothing from elsewhere and runs no inline script.
var pageTemplate = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<link rel="icon" type="image/png" href="{{.Base}}favicon-32x32.png">
<link rel="stylesheet" href="{{.Base}}swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript. The same as a document: <a href="{{.Document}}">{{.Document}}</a></noscript>
<div id="swagger-ui" data-document="{{.Document}}"></div>
<script src="{{.Base}}swagger-ui-bundle.js"></script>
<script src="{{.Base}}start.js"></script>
</body>
</html>
`))

// startScript starts Swagger UI on the page.
const startScript = `"use strict";
const place = document.getElementById("swagger-ui");
window.ui = SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  presets: [SwaggerUIBundle.presets.apis],
});
`

// pagePolicy lets the page use what sede itself serves, and nothing else.
// Swagger UI carries its icons as data URLs.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// asset is a file of the page.
type asset struct {
	kind    string // its media type
	content []byte
	zipped  []byte // the content with gzip; nil for what does not shrink
	tag     string // its ETag
}

// docsPage serves the interactive page at any path, and its files at the paths
// below /docs/. The page reads /docs.jsonopenapi and works without a network.
func (api *API) docsPage() http.Handler {
	var page bytes.Buffer
	base := api.prefix + "/docs/"
	data := struct{ Title, Base, Document string }{api.Title, base, api.prefix + "/docs.jsonopenapi"}
	if err := pageTemplate.Execute(&page, data); err != nil {
		panic("hydra: the page of the documentation: " + err.Error()) // strings always can be written
	}
	assets := pageAssets()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Content-Type-Options"] = nosniff
		name, below := strings.CutPrefix(r.URL.Path, base)
		if a := assets[name]; below && a != nil {
			a.serve(w, r)
			return
		}
		if below {
			api.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Del("Etag") // that of the item, when the page stands in for one
		h["Content-Type"] = htmlType
		h["X-Frame-Options"] = deny
		h["Vary"] = varyAccept
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "same-origin")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(page.Bytes())
	})
}

// pageAssets are the files of the page by their names.
func pageAssets() map[string]*asset {
	assets := map[string]*asset{"start.js": {kind: "text/javascript; charset=utf-8", content: []byte(startScript)}}
	for name, kind := range map[string]string{
		"swagger-ui.css.gz":       "text/css; charset=utf-8",
		"swagger-ui-bundle.js.gz": "text/javascript; charset=utf-8",
		"favicon-32x32.png":       "image/png",
	} {
		content, err := fs.ReadFile(static.FS, name)
		if err != nil {
			panic("hydra: the page of the documentation lacks a file: " + err.Error()) // it is in the binary
		}
		a := &asset{kind: kind, content: content}
		if path.Ext(name) == ".gz" {
			a.content, a.zipped = nil, content
		}
		assets[strings.TrimSuffix(name, ".gz")] = a
	}
	for _, a := range assets {
		stored := a.content
		if a.zipped != nil {
			stored = a.zipped
		}
		sum := sha256.Sum256(stored)
		a.tag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
	}
	return assets
}

// serve sends the file, as it is stored when the client takes gzip.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = []string{a.kind}
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Etag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if a.zipped == nil {
		_, _ = w.Write(a.content)
		return
	}
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		_, _ = w.Write(a.zipped)
		return
	}
	if reader, err := gzip.NewReader(bytes.NewReader(a.zipped)); err == nil {
		_, _ = io.Copy(w, reader)
	}
}
