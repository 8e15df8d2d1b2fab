-- +goose Up
-- What of a subscription is different at Stripe although Stripe was told.
CREATE TABLE stripe_drift (
  organization_id {{.ID}} NOT NULL,
  id              {{.ID}} NOT NULL,
  subscription_id {{.ID}} NOT NULL,
  field           {{.Text}} NOT NULL,
  ours            {{.Text}} NOT NULL,
  theirs          {{.Text}} NOT NULL,
  found_at        {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, subscription_id) REFERENCES subscription (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX stripe_drift_subscription_id_field ON stripe_drift (organization_id, subscription_id, field);
CREATE INDEX stripe_drift_any ON stripe_drift (id);
{{.Tenant "stripe_drift"}}
