-- +goose Up
-- What organizations have bought. live says that it has not ended; there is one
-- of these per organization at most. next_at is when something happens by itself.
-- products, scheduled and metadata are JSON.
CREATE TABLE subscription (
  organization_id      {{.ID}} NOT NULL REFERENCES organization (id),
  id                   {{.ID}} NOT NULL,
  address_id           {{.ID}} NOT NULL,
  type                 {{.Text}} NOT NULL,
  currency             {{.Text}} NOT NULL,
  products             {{.JSON}} NOT NULL,
  seats                {{.Int}} NOT NULL,
  status               {{.Text}} NOT NULL,
  live                 {{.Bool}} NOT NULL,
  first_unpaid         {{.Bool}} NOT NULL,
  metadata             {{.JSON}} NOT NULL,
  scheduled            {{.JSON}},
  coupon_id            {{.ID}} REFERENCES coupon (id),
  coupon_left          {{.Int}},
  trial_ends_at        {{.Time}},
  anchor               {{.Time}} NOT NULL,
  period               {{.Int}} NOT NULL,
  period_from          {{.Time}} NOT NULL,
  period_to            {{.Time}} NOT NULL,
  past_due_since       {{.Time}},
  cancel_at_period_end {{.Bool}} NOT NULL,
  cancel_reason        {{.Text}},
  canceled_at          {{.Time}},
  ended_at             {{.Time}},
  next_at              {{.Time}},
  version              {{.Int}} NOT NULL,
  created_at           {{.Time}} NOT NULL,
  updated_at           {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, address_id) REFERENCES organization_address (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX subscription_organization_id ON subscription (organization_id) WHERE live;
CREATE INDEX subscription_next_at ON subscription (next_at, organization_id, id) WHERE next_at IS NOT NULL;
CREATE INDEX subscription_status ON subscription (organization_id, status, id);
CREATE INDEX subscription_address_id ON subscription (organization_id, address_id);
{{.Tenant "subscription"}}
