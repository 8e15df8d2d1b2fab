package organization_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// TestImagesAreBounded has an organization show as many images as it may: another
// one is refused, those that it showed can be set again.
func TestImagesAreBounded(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		owner := in.As("owner@demo.example", "demo")
		set := func(kind, file string, status int) {
			t.Helper()
			a := owner.Do(http.MethodPost, "/organizations/"+kind, sedetest.Form("file", file), "Content-Type", "multipart/form-data; boundary=form")
			if a.Status != status || status == http.StatusConflict && !strings.Contains(a.Body, "1000 images") {
				t.Fatalf("%s: %d %s", kind, a.Status, a.Body)
			}
		}
		set("icon", dot, http.StatusOK)
		id, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		ids := ident.NewSource(nil, nil)
		err = in.App.Database().Write(t.Context(), access.System(id), func(tx *db.Tx) error {
			for i := range 999 {
				tx.Queue(`INSERT INTO organization_image (organization_id, id, kind, address, sizes, created_at) VALUES ($1, $2, 'icon', $3, '16x16', $4)`,
					id, ids.New(), fmt.Sprintf("image-%d", i), time.Now())
			}
			db.Count(tx, access.System(id), "organization_image", 999)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		set("logo", dot, http.StatusConflict)
		set("icon", dot, http.StatusOK)
	})
}
