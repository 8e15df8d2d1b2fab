package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/ident"
)

// What the database holds.
const (
	password      = "correct horse battery"
	owner         = "owner@bench.example"
	neighbours    = 100 // organizations beside the measured one, with neighbourRows locations each
	neighbourRows = 100
	smallRows     = 1000 // of the organization that the large one is compared with
)

var (
	cities    = [...]string{"Lisbon", "Warsaw", "Porto", "Kraków", "London", "Madrid", "Paris", "Berlin", "Vienna", "Prague", "Dublin", "Oslo", "Rome", "Athens", "Tallinn", "Riga", "Vilnius", "Zürich", "Brussels", "Ghent"}
	countries = [...]string{"PT", "PL", "PT", "PL", "GB", "ES", "FR", "DE", "AT", "CZ", "IE", "NO", "IT", "GR", "EE", "LV", "LT", "CH", "BE", "BE"}
	kinds     = [...]string{"office", "depot", "workshop", "shop", "warehouse"}
)

// ids makes the keys of seeded rows.
func ids() *ident.Source { return ident.NewSource(time.Now, nil) }

// place is the i-th location of an organization.
func place(i int) (name, country string) {
	city := (i * 7) % len(cities)
	return cities[city] + " " + kinds[(i/len(cities))%len(kinds)] + " " + strconv.Itoa(i), countries[city]
}

// organizations makes the owner of each organization and the organization, and
// returns the ids.
func organizations(ctx context.Context, a *app.App, slugs ...string) ([]ident.ID, error) {
	var made []ident.ID
	for _, slug := range slugs {
		username := slug + "@bench.example"
		if _, err := a.CreateUser(ctx, app.NewUser{Username: username, Password: password}); err != nil {
			return nil, err
		}
		text, _, err := a.CreateOrganization(ctx, slug, slug, username)
		if err != nil {
			return nil, err
		}
		id, err := ident.Parse(text)
		if err != nil {
			return nil, err
		}
		made = append(made, id)
	}
	return made, nil
}

// fill adds locations to an organization.
func fill(ctx context.Context, d *db.DB, organization ident.ID, rows int) error {
	scope, source := access.System(organization), ids()
	created := time.Now().Truncate(time.Second)
	for done := 0; done < rows; {
		some := min(10_000, rows-done)
		err := d.Write(ctx, scope, func(tx *db.Tx) error {
			in := map[string]int64{}
			for i := done; i < done+some; i++ {
				name, country := place(i)
				in[country]++
				tx.Queue(`INSERT INTO location (organization_id, id, name, name_fold, office_open_hour, office_close_hour,
						time_zone, country, address, version, created_at, updated_at)
					VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
					organization, source.New(), name, db.Fold(name), 9, 18, "Europe/Lisbon", country,
					"Rua Augusta "+strconv.Itoa(i), 1, created, created)
			}
			db.Count(tx, scope, "location", int64(some))
			for country, n := range in {
				db.CountGroup(tx, scope, "location", n, country)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("locations: %w", err)
		}
		done += some
	}
	return nil
}
