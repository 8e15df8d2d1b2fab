-- +goose Up
-- What organizations pay with through Stripe. A pending one is to be given on a page
-- of Stripe's; a removed one was taken away here and is not yet there.
CREATE TABLE payment_method (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  status          {{.Text}} NOT NULL,
  setup_url       {{.Text}},
  external_id     {{.Text}},
  session_id      {{.Text}},
  type            {{.Text}},
  brand           {{.Text}},
  last4           {{.Text}},
  exp_month       {{.Int}},
  exp_year        {{.Int}},
  is_default      {{.Bool}} NOT NULL,
  removed         {{.Bool}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX payment_method_external_id ON payment_method (organization_id, external_id);
CREATE INDEX payment_method_any ON payment_method (external_id);
CREATE INDEX payment_method_session_id ON payment_method (session_id);
CREATE INDEX payment_method_created_at ON payment_method (organization_id, created_at, id);
{{.Tenant "payment_method"}}

CREATE UNIQUE INDEX organization_stripe_customer_id ON organization (stripe_customer_id);

-- What Stripe said happened. subject is what is to be loaded again because of it,
-- empty: nothing.
CREATE TABLE stripe_event (
  id          {{.Text}} NOT NULL PRIMARY KEY,
  type        {{.Text}} NOT NULL,
  subject     {{.Text}} NOT NULL,
  happened_at {{.Time}} NOT NULL,
  received_at {{.Time}} NOT NULL,
  handled_at  {{.Time}}
) {{.Strict}};
CREATE INDEX stripe_event_waiting ON stripe_event (subject, id) WHERE handled_at IS NULL;
CREATE INDEX stripe_event_handled_at ON stripe_event (handled_at);

-- Who loaded a subject last. taken is given to whoever begins to load it, applied is
-- that of what is stored; what was loaded with a lower one is older.
CREATE TABLE stripe_fetch (
  subject {{.Text}} NOT NULL PRIMARY KEY,
  taken   {{.Int}} NOT NULL,
  applied {{.Int}} NOT NULL
) {{.Strict}};
