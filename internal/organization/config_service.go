package organization

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
)

// mayConfigure says who writes settings.
var mayConfigure = access.Within(access.Admins).ToChange()

// Configs returns a page of the organization's settings.
func (s *Service) Configs(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Config], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listConfigs(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Config loads one setting.
func (s *Service) Config(ctx context.Context, who *access.Caller, id ident.ID, c *Config) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findConfig(tx, who.Scope(), id, c) })
}

// CreateConfig stores a setting whose key has none, as after DeleteConfig.
func (s *Service) CreateConfig(ctx context.Context, who *access.Caller, c *Config) error {
	if err := mayConfigure.Check(who); err != nil {
		return err
	}
	c.Value, _ = c.canonical()
	given := *c
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*c = given
		if err := tx.Lock("organization/config/" + who.Organization.String() + "/" + c.Key); err != nil {
			return err
		}
		if has, err := hasConfig(tx, who.Scope(), c.Key); err != nil || has {
			if has {
				err = fault.Broken(fault.Violation{Path: "key", Code: fault.CodeUnique, Text: fault.Textf("This value is already used.")})
			}
			return err
		}
		c.ID, c.Organization, c.Version = s.ids.New(), who.Organization, 1
		c.CreatedAt = s.now.Now().Truncate(time.Second)
		c.UpdatedAt = c.CreatedAt
		insertConfig(tx, who.Scope(), c)
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "OrganizationConfig", Key: c.ID.String(), After: hydra.JSON(configFields, c)})
	})
}

// UpdateConfig changes the value of a setting.
func (s *Service) UpdateConfig(ctx context.Context, who *access.Caller, id ident.ID, c *Config, apply func() error) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := findConfig(tx, who.Scope(), id, c); err != nil {
			return err
		}
		before := *c
		if err := apply(); err != nil {
			return err
		}
		if err := mayConfigure.Check(who); err != nil {
			return err
		}
		if c.Value, _ = c.canonical(); *c == before {
			return nil
		}
		c.Version, c.UpdatedAt = c.Version+1, s.now.Now().Truncate(time.Second)
		if err := updateConfig(tx, who.Scope(), c); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "OrganizationConfig", Key: id.String(),
			Before: hydra.JSON(configFields, &before), After: hydra.JSON(configFields, c)})
	})
}

// DeleteConfig removes a setting: its default counts from then on.
func (s *Service) DeleteConfig(ctx context.Context, who *access.Caller, id ident.ID) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var c Config
		if err := findConfig(tx, who.Scope(), id, &c); err != nil {
			return err
		}
		if err := mayConfigure.Check(who); err != nil {
			return err
		}
		if err := deleteConfig(tx, who.Scope(), id); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "delete", Resource: "OrganizationConfig", Key: id.String(), Before: hydra.JSON(configFields, &c)})
	})
}

// Settings returns all settings of the scope's organization in one statement,
// for features that act by them.
func (s *Service) Settings(tx *db.Tx, scope access.Scope) (Settings, error) {
	name, values, err := configValues(tx, scope)
	if err != nil {
		return Settings{}, err
	}
	return settingsOf(name, values), nil
}

// TimeZone returns the organization's own time zone, for what has none.
func (s *Service) TimeZone(tx *db.Tx, scope access.Scope) (string, error) {
	return configValue(tx, scope, KeyTimeZone)
}

// Language returns the language in which the organization writes to people, a
// BCP 47 tag.
func (s *Service) Language(tx *db.Tx, scope access.Scope) (string, error) {
	return configValue(tx, scope, KeyLanguage)
}

// Letterhead returns the organization's short name, the language in which it
// writes to people and the zone of its clock, in one statement.
func (s *Service) Letterhead(tx *db.Tx, scope access.Scope) (name, language, zone string, err error) {
	all, err := s.Settings(tx, scope)
	return all.ShortName, all.Language, all.TimeZone, err
}

// IsActive reports whether the organization is neither suspended nor closing.
func (s *Service) IsActive(tx *db.Tx, scope access.Scope) (active bool, err error) {
	err = tx.Row(`SELECT status = $2 FROM organization WHERE id = $1`, scope.Organization(), Active).Scan(&active)
	return active, err
}

// WorkingDays returns the weekdays on which the organization works, Monday
// first.
func (s *Service) WorkingDays(tx *db.Tx, scope access.Scope) ([]time.Weekday, error) {
	value, err := configValue(tx, scope, KeyWorkingDays)
	return workingDays(value), err
}
