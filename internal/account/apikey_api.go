package account

import (
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var apiKeyFields = []hydra.Field[APIKey]{
	hydra.ID(func(k *APIKey) *ident.ID { return &k.ID }),
	hydra.Text("name", func(k *APIKey) *string { return &k.Name }).Required().
		Doc("What the key is for.").Example("Nightly export").Means("https://schema.org/name").
		Filter(hydra.Partial).Sortable(),
	hydra.Ref("user", "User", func(k *APIKey) *ident.ID { return &k.User }).ReadOnly().
		Doc("Who made the key. It can do what they may, within its scopes, and nothing when they are no member.").Filter(hydra.Exact),
	hydra.Texts("scopes", func(k *APIKey) *[]string { return &k.Scopes }).Required().
		Doc("What the key is good for: the first part of a resource's path, or * for all, with :read or :write behind it. Writing includes reading.").
		Example(`["locations:read","meetings:write"]`),
	hydra.Time("expiresAt", func(k *APIKey) *time.Time { return &k.ExpiresAt }).
		Doc("From when on the key is worthless, 5 years ahead at most. Left out: a year ahead.").Example("2031-01-02T00:00:00+00:00").
		Filter(hydra.DateRange).Sortable(),
	hydra.Text("hint", func(k *APIKey) *string { return &k.Hint }).ReadOnly().
		Doc("How the key begins, to know it by.").Example("sede_4XkP"),
	hydra.NullText("secret", func(k *APIKey) *null.Value[string] { return &k.Secret }).ReadOnly().Secret().
		Doc("The key itself, to be sent as bearer token. It is shown in the answer to its creation and never again."),
	hydra.NullTime("lastUsedAt", func(k *APIKey) *null.Value[time.Time] { return &k.LastUsedAt }).ReadOnly().
		Doc("When the key was last used, to the minute. Null: never.").Filter(hydra.DateRange, hydra.Existence).Sortable(),
	hydra.Time("createdAt", func(k *APIKey) *time.Time { return &k.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) apiKeyResource() hydra.Declaration {
	return hydra.Resource[APIKey]{
		Name: "ApiKey", Path: "/api-keys",
		Doc:      "A key with which a program acts for its maker in one organization, within scopes. It is sent as bearer token. Deleting revokes it.",
		Fields:   apiKeyFields,
		Defaults: func(k *APIKey) { k.ExpiresAt = s.now.Now().Truncate(time.Second).Add(keyLifeUsual) },
		Validate: func(k *APIKey) []fault.Violation { return k.check(s.scopes, s.now.Now()) },
		Operations: []hydra.Operation{
			hydra.List[APIKey]{Access: mayReadKeys, Do: hydra.OfAll(s.Keys)},
			hydra.Create[APIKey]{Access: mayMakeKeys, Do: s.CreateKey},
			hydra.Get[APIKey]{Access: mayReadKeys, Do: hydra.ByID(s.Key)},
			hydra.Delete[APIKey]{Access: mayRevokeKey, Do: hydra.DeleteByID(s.RevokeKey)},
		},
	}
}
