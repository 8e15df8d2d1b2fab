-- +goose Up
-- A connection to a bank. It stays while the consents behind it are replaced.
CREATE TABLE bank_integration (
  organization_id  {{.ID}} NOT NULL REFERENCES organization (id),
  id               {{.ID}} NOT NULL,
  provider         {{.Text}} NOT NULL,
  status           {{.Text}} NOT NULL,
  country          {{.Text}},
  access_mode      {{.Text}} NOT NULL,
  target           {{.Text}},
  name             {{.Text}},
  name_fold        {{.Text}},
  consent_id       {{.ID}},
  consent_given_at {{.Time}},
  consent_ends_at  {{.Time}},
  error            {{.Text}},
  pull_status      {{.Text}},
  pull_added       {{.Int}},
  pull_skipped     {{.Int}},
  pulled_at        {{.Time}},
  revoked_at       {{.Time}},
  confirmed_at     {{.Time}},
  erasing          {{.Bool}} NOT NULL,
  erased_at        {{.Time}},
  version          {{.Int}} NOT NULL,
  created_at       {{.Time}} NOT NULL,
  updated_at       {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX bank_integration_status ON bank_integration (organization_id, status, id);
CREATE INDEX bank_integration_created_at ON bank_integration (organization_id, created_at, id);
CREATE INDEX bank_integration_ends ON bank_integration (status, consent_ends_at);
{{.Tenant "bank_integration"}}

-- What a person granted at the bank. What is secret is sealed. session_mark tells
-- a session from all others, of all organizations, without telling it.
CREATE TABLE bank_consent (
  organization_id {{.ID}} NOT NULL,
  id              {{.ID}} NOT NULL,
  integration_id  {{.ID}} NOT NULL,
  state           {{.Text}} NOT NULL,
  access_mode     {{.Text}} NOT NULL,
  redirection     {{.Bytes}},
  session         {{.Bytes}},
  session_mark    {{.Bytes}},
  access          {{.Bytes}},
  given_at        {{.Time}},
  ends_at         {{.Time}},
  deadline        {{.Time}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, integration_id) REFERENCES bank_integration (organization_id, id)
) {{.Strict}};
CREATE INDEX bank_consent_integration ON bank_consent (organization_id, integration_id, state);
CREATE UNIQUE INDEX bank_consent_session_mark ON bank_consent (session_mark);
{{.Tenant "bank_consent"}}

-- One import, from the wish for it to its end. There is one at a time for each
-- connection. counted_at is when it began to count at the bank: at its last
-- session.
CREATE TABLE bank_pull (
  organization_id {{.ID}} NOT NULL,
  id              {{.ID}} NOT NULL,
  integration_id  {{.ID}} NOT NULL,
  consent_id      {{.ID}} NOT NULL,
  attended        {{.Bool}} NOT NULL,
  since           {{.Text}} NOT NULL,
  state           {{.Text}} NOT NULL,
  session         {{.Bytes}},
  command         {{.Text}},
  tries           {{.Int}} NOT NULL,
  error           {{.Text}},
  added           {{.Int}} NOT NULL,
  skipped         {{.Int}} NOT NULL,
  started_at      {{.Time}},
  finished_at     {{.Time}},
  created_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, integration_id) REFERENCES bank_integration (organization_id, id),
  FOREIGN KEY (organization_id, consent_id) REFERENCES bank_consent (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX bank_pull_integration_id ON bank_pull (organization_id, integration_id) WHERE finished_at IS NULL;
{{.Tenant "bank_pull"}}

-- What counts towards the bank's limit on imports; written before it is asked.
CREATE TABLE bank_attempt (
  organization_id {{.ID}} NOT NULL,
  id              {{.ID}} NOT NULL,
  integration_id  {{.ID}} NOT NULL,
  pull_id         {{.ID}} NOT NULL,
  at              {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, integration_id) REFERENCES bank_integration (organization_id, id)
) {{.Strict}};
CREATE INDEX bank_attempt_integration ON bank_attempt (organization_id, integration_id, at);
{{.Tenant "bank_attempt"}}

-- An account at a bank. identity tells it from others and stays when a consent is
-- replaced.
CREATE TABLE bank_account (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  integration_id  {{.ID}} NOT NULL,
  identity        {{.Text}} NOT NULL,
  kind            {{.Text}} NOT NULL,
  name            {{.Text}} NOT NULL,
  name_fold       {{.Text}} NOT NULL,
  iban            {{.Text}},
  last_digits     {{.Text}},
  currency        {{.Text}} NOT NULL,
  balance         {{.Int}},
  available       {{.Int}},
  partial         {{.Bool}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, integration_id) REFERENCES bank_integration (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX bank_account_identity ON bank_account (organization_id, identity);
CREATE INDEX bank_account_integration_id ON bank_account (organization_id, integration_id, id);
CREATE INDEX bank_account_name ON bank_account (organization_id, name_fold, id);
{{.Tenant "bank_account"}}

-- A movement of money. fingerprint is made of what banks tell the same each time;
-- ordinal tells those apart that have the same.
CREATE TABLE bank_transaction (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  account_id      {{.ID}} NOT NULL,
  fingerprint     {{.Bytes}} NOT NULL,
  ordinal         {{.Int}} NOT NULL,
  status          {{.Text}} NOT NULL,
  transaction_on  {{.Time}} NOT NULL,
  booked_on       {{.Time}},
  amount          {{.Int}} NOT NULL,
  currency        {{.Text}} NOT NULL,
  balance         {{.Int}},
  title           {{.Text}} NOT NULL,
  party           {{.Text}} NOT NULL,
  party_iban      {{.Text}},
  kind            {{.Text}} NOT NULL,
  symbols         {{.Text}} NOT NULL,
  labels          {{.Text}} NOT NULL,
  text_fold       {{.Text}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, account_id) REFERENCES bank_account (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX bank_transaction_account_id_fingerprint_ordinal ON bank_transaction (organization_id, account_id, fingerprint, ordinal);
CREATE INDEX bank_transaction_on ON bank_transaction (organization_id, transaction_on, id);
CREATE INDEX bank_transaction_account ON bank_transaction (organization_id, account_id, transaction_on, id);
CREATE INDEX bank_transaction_amount ON bank_transaction (organization_id, amount, id);
CREATE INDEX bank_transaction_booked_on ON bank_transaction (organization_id, booked_on {{.NullsFirst}}, id);
CREATE INDEX bank_transaction_pending ON bank_transaction (organization_id, account_id, transaction_on) WHERE status = 'pending';
{{.Tenant "bank_transaction"}}

-- What the built-in Sandbox bank remembers.
CREATE TABLE sandbox_bank_record (
  record_key {{.Text}} NOT NULL PRIMARY KEY,
  content    {{.Bytes}} NOT NULL,
  keep_until {{.Time}} NOT NULL
) {{.Strict}};
CREATE INDEX sandbox_bank_record_keep_until ON sandbox_bank_record (keep_until);
