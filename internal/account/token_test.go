package account

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
)

func TestNobody(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	for _, header := range []string{"", "Basic YTpi", "Bearer", "Bearer ", "bear x"} {
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		if c, err := e.Authenticate(r); c != nil || err != nil {
			t.Errorf("%q: %v, %v", header, c, err)
		}
	}
}

// TestOthersVerifyTokens does what a product beside sede does: it takes the
// published keys and nothing else.
func TestOthersVerifyTokens(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		must(t, e.SetOperator(t.Context(), nil, u.ID, true))
		m := e.join(u.ID, "acme", access.Admin)
		tokens := e.signIn("ana@acme.example")
		set, err := e.keys.current(t.Context())
		must(t, err)
		var keys jose.JSONWebKeySet
		must(t, json.Unmarshal(set.jwks, &keys))
		parsed, err := jwt.ParseSigned(tokens.Token, []jose.SignatureAlgorithm{jose.EdDSA})
		must(t, err)
		var standard jwt.Claims
		var own map[string]any
		must(t, parsed.Claims(&keys, &standard, &own))
		must(t, standard.Validate(jwt.Expected{Issuer: "https://sede.example", AnyAudience: jwt.Audience{"sede"}, Subject: u.ID.String(), Time: e.clock.Now()}))
		if life := standard.Expiry.Time().Sub(standard.IssuedAt.Time()); life != time.Hour {
			t.Errorf("life = %s", life)
		}
		got, _ := json.Marshal([]any{own["username"], own["roles"], own["org"], own["org_role"]})
		want := `["ana@acme.example",["ROLE_USER","ROLE_OPERATOR"],"` + m.Organization.String() + `","admin"]`
		if string(got) != want {
			t.Errorf("claims %s, want %s", got, want)
		}
		if header := parsed.Headers[0]; header.KeyID == "" || header.Algorithm != "EdDSA" || header.ExtraHeaders["typ"] != "JWT" {
			t.Errorf("header %+v", header)
		}
	})
}

func TestChoiceOfOrganization(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		none := e.signIn(u.Username)
		if c := accepted(t, e.Service, none.Token); !c.Organization.IsZero() {
			t.Errorf("chosen without a membership: %s", c.Organization)
		}
		acme := e.join(u.ID, "acme", access.Owner)
		one := e.signIn(u.Username)
		for _, token := range []string{none.Token, one.Token} {
			if c := accepted(t, e.Service, token); c.Organization != acme.Organization || c.Role != access.Owner {
				t.Errorf("the only one: %+v", c)
			}
		}
		beta := e.join(u.ID, "beta", access.Guest)
		if c := accepted(t, e.Service, none.Token); !c.Organization.IsZero() || c.Role != access.None {
			t.Errorf("two, none chosen: %+v", c)
		}
		if c := accepted(t, e.Service, one.Token); c.Organization != acme.Organization {
			t.Errorf("the token's: %+v", c)
		}
		for _, ref := range []string{"beta", beta.Organization.String(), strings.ToUpper(beta.Organization.String())} {
			if c := accepted(t, e.Service, one.Token, "X-Organization", ref); c.Organization != beta.Organization || c.Role != access.Guest {
				t.Errorf("X-Organization %s: %+v", ref, c)
			}
		}
		e.orgs.set(e.ids.New(), Membership{Organization: e.ids.New(), Slug: "foreign", Role: access.Owner})
		for _, ref := range []string{"foreign", "missing", e.orgs.slugs["foreign"].String(), "ACME", " "} {
			_, err := e.Authenticate(request(one.Token, "X-Organization", ref))
			refused(t, err, fault.NotFound, `The organization in "X-Organization" was not found.`)
		}
		chosen, err := e.SignIn(t.Context(), here, u.Username, password, "beta")
		must(t, err)
		if c := accepted(t, e.Service, chosen.Token); c.Organization != beta.Organization {
			t.Errorf("chosen at sign-in: %+v", c)
		}
		chosen, err = e.Refresh(t.Context(), here, chosen.RefreshToken)
		must(t, err)
		if c := accepted(t, e.Service, chosen.Token); c.Organization != beta.Organization {
			t.Errorf("after a refresh: %+v", c)
		}
		e.orgs.set(u.ID, acme)
		e.Forget(u.ID)
		if c := accepted(t, e.Service, chosen.Token); !c.Organization.IsZero() || c.Role != access.None || c.Scope() != (access.Scope{}) {
			t.Errorf("no member any more: %+v", c)
		}
		_, err = e.SignIn(t.Context(), here, u.Username, password, "foreign")
		refused(t, err, fault.NotFound, `The organization in "organization" was not found.`)
	})
}

func TestOperatorsChooseAnyOrganization(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("op@acme.example")
		must(t, e.SetOperator(t.Context(), nil, u.ID, true))
		foreign := Membership{Organization: e.ids.New(), Slug: "foreign", Role: access.Owner}
		e.orgs.set(e.ids.New(), foreign)
		tokens, err := e.SignIn(t.Context(), here, u.Username, password, "foreign")
		must(t, err)
		for _, header := range [][]string{nil, {"X-Organization", "foreign"}, {"X-Organization", foreign.Organization.String()}} {
			c := accepted(t, e.Service, tokens.Token, header...)
			if c.Organization != foreign.Organization || c.Role != access.None || c.Scope().Organization() != foreign.Organization {
				t.Errorf("%v: %+v", header, c)
			}
		}
		_, err = e.Authenticate(request(tokens.Token, "X-Organization", "missing"))
		refused(t, err, fault.NotFound, `The organization in "X-Organization" was not found.`)
		must(t, e.SetOperator(t.Context(), nil, u.ID, false))
		if c := accepted(t, e.Service, tokens.Token); !c.Organization.IsZero() {
			t.Errorf("no operator any more: %+v", c)
		}
	})
}

func TestClockJumps(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		accepted(t, e.Service, tokens.Token)
		e.clock.Advance(tokenLife - time.Second)
		accepted(t, e.Service, tokens.Token)
		e.clock.Advance(time.Second)
		rejected(t, e.Service, tokens.Token, "Expired JWT Token")
		e.clock.Advance(-tokenLife)
		accepted(t, e.Service, tokens.Token)
		e.clock.Advance(-tokenLeeway)
		accepted(t, e.Service, tokens.Token)
		e.clock.Advance(-time.Second)
		rejected(t, e.Service, tokens.Token, "Invalid JWT Token")
		e.clock.Advance(-1000 * time.Hour)
		earlier := e.signIn("ana@acme.example")
		accepted(t, e.Service, earlier.Token)
		e.clock.Advance(5000 * time.Hour)
		accepted(t, e.Service, e.signIn("ana@acme.example").Token)
	})
}

// forge makes a token with other claims or another key.
func forge(t testing.TB, key any, alg jose.SignatureAlgorithm, kid string, c any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	must(t, err)
	token, err := jwt.Signed(signer).Claims(c).Serialize()
	must(t, err)
	return token
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	u := e.user("ana@acme.example")
	tokens := e.signIn("ana@acme.example")
	real := accepted(t, e.Service, tokens.Token)
	set, err := e.keys.current(t.Context())
	must(t, err)
	id := kid(t, tokens.Token)
	good := claims{Issuer: "https://sede.example", Audience: "sede", Subject: u.ID.String(), Session: real.Session.String(),
		NotBefore: e.clock.Now().Unix(), Expires: e.clock.Now().Add(time.Hour).Unix()}
	with := func(change func(*claims)) string {
		c := good
		change(&c)
		token, err := jwt.Signed(set.signer).Claims(c).Serialize()
		must(t, err)
		return token
	}
	accepted(t, e.Service, with(func(*claims) {}))
	_, other, err := ed25519.GenerateKey(nil)
	must(t, err)
	parts := strings.Split(tokens.Token, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"` + id + `"}`))
	for name, token := range map[string]string{
		"another issuer":       with(func(c *claims) { c.Issuer = "https://evil.example" }),
		"another audience":     with(func(c *claims) { c.Audience = "other" }),
		"no audience":          with(func(c *claims) { c.Audience = "" }),
		"another session":      with(func(c *claims) { c.Session = e.ids.New().String() }),
		"no session":           with(func(c *claims) { c.Session = "" }),
		"another user":         with(func(c *claims) { c.Subject = e.ids.New().String() }),
		"a broken user":        with(func(c *claims) { c.Subject = "ana" }),
		"a broken org":         with(func(c *claims) { c.Organization = "acme" }),
		"a later start":        with(func(c *claims) { c.NotBefore += 3600 }),
		"another key":          forge(t, other, jose.EdDSA, id, good),
		"another key's id":     forge(t, other, jose.EdDSA, "made up", good),
		"no key id":            forge(t, other, jose.EdDSA, "", good),
		"public key as secret": forge(t, []byte(set.public[id]), jose.HS256, id, good),
		"no signature":         none + "." + parts[1] + ".",
		"an empty signature":   parts[0] + "." + parts[1] + ".",
		"two parts":            parts[0] + "." + parts[1],
		"changed claims":       parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x"}`)) + "." + parts[2],
		"huge":                 tokens.Token + strings.Repeat("A", 1<<20),
		"no token at all":      "x",
	} {
		if c, err := e.Authenticate(request(token)); c != nil || !fault.Is(err, fault.Unauthorized) || fault.As(err).Text.Format != "Invalid JWT Token" {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	rejected(t, e.Service, with(func(c *claims) { c.Expires = e.clock.Now().Unix() }), "Expired JWT Token")
	rejected(t, e.Service, with(func(c *claims) { c.Expires = 0 }), "Expired JWT Token")
}

func FuzzAuthenticate(f *testing.F) {
	e := newEnv(f, openSQLite(f))
	e.user("ana@acme.example")
	token := e.signIn("ana@acme.example").Token
	f.Add(token)
	f.Add(token[:len(token)-1])
	f.Add("..")
	f.Add(`{"payload":"","signatures":[{}]}`)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, candidate string) {
		r := request("x")
		r.Header["Authorization"] = []string{"Bearer " + candidate}
		c, err := e.Authenticate(r)
		if c != nil && strings.TrimSpace(candidate) != token {
			t.Fatalf("%q is accepted", candidate)
		}
		if err != nil && !fault.Is(err, fault.Unauthorized) {
			t.Fatalf("%q: %v", candidate, err)
		}
	})
}

func TestKnownTokensReadNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	u := e.user("ana@acme.example")
	e.join(u.ID, "acme", access.Owner)
	token := e.signIn("ana@acme.example").Token
	accepted(t, e.Service, token)
	asked := e.orgs.asked
	must(t, e.Service.db.Close())
	for range 10 {
		accepted(t, e.Service, token, "X-Organization", "acme")
	}
	if e.orgs.asked != asked {
		t.Error("memberships were read again")
	}
}

func TestProfilesRememberManySessions(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	u := e.user("ana@acme.example")
	for range maxCredentials + 10 {
		accepted(t, e.Service, e.signIn("ana@acme.example").Token)
	}
	p, _ := e.profiles.get(u.ID)
	if p == nil || len(p.credentials) > maxCredentials+1 {
		t.Errorf("profile %+v", p)
	}
	if p, err := e.profile(t.Context(), u.ID, ident.ID{1}); p != nil || err != nil {
		t.Errorf("a made-up session: %v, %v", p, err)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	e := newEnv(b, openSQLite(b))
	u := e.user("ana@acme.example")
	e.join(u.ID, "acme", access.Owner)
	r := request(e.signIn("ana@acme.example").Token)
	r.Header.Set("User-Agent", "bench")
	if _, err := e.Authenticate(r); err != nil {
		b.Fatal(err)
	}
	b.Run("warm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Authenticate(r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = e.Authenticate(r)
			}
		})
	})
	e.organization(e.orgs.of[u.ID][0])
	keyed := request(e.key(e.signIn("ana@acme.example").Token, time.Hour, "locations:read").Secret.V)
	keyed.Header.Set("User-Agent", "bench")
	b.Run("warm key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Authenticate(keyed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.passes.clear()
			_, _ = e.Authenticate(r)
		}
	})
	b.Run("new everything", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.passes.clear()
			e.profiles.clear()
			_, _ = e.Authenticate(r)
		}
	})
}

func BenchmarkHashing(b *testing.B) {
	s := &Service{params: defaultHashing()}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.compare(password, "")
	}
}
