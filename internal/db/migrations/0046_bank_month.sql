-- +goose Up
-- What was booked on an account in a month, which is year * 12 + month - 1.
-- closing is the balance at its end as the bank told it.
CREATE TABLE bank_month (
  organization_id {{.ID}} NOT NULL,
  account_id      {{.ID}} NOT NULL,
  month           {{.Int}} NOT NULL,
  incoming        {{.Int}} NOT NULL,
  outgoing        {{.Int}} NOT NULL,
  transactions    {{.Int}} NOT NULL,
  closing         {{.Int}},
  PRIMARY KEY (organization_id, account_id, month),
  FOREIGN KEY (organization_id, account_id) REFERENCES bank_account (organization_id, id)
) {{.Strict}};
{{.Tenant "bank_month"}}
INSERT INTO bank_month (organization_id, account_id, month, incoming, outgoing, transactions)
  SELECT organization_id, account_id, month, SUM(CASE WHEN amount > 0 THEN amount ELSE 0 END), SUM(CASE WHEN amount < 0 THEN -amount ELSE 0 END), COUNT(*)
  FROM (SELECT organization_id, account_id, amount,
{{- if .PostgreSQL}}
      CAST(date_part('year', COALESCE(booked_on, transaction_on) AT TIME ZONE 'UTC') * 12 + date_part('month', COALESCE(booked_on, transaction_on) AT TIME ZONE 'UTC') - 1 AS bigint) AS month
{{- else}}
      strftime('%Y', COALESCE(booked_on, transaction_on) / 1000000, 'unixepoch') * 12 + strftime('%m', COALESCE(booked_on, transaction_on) / 1000000, 'unixepoch') - 1 AS month
{{- end}}
    FROM bank_transaction WHERE status = 'booked') AS booked
  GROUP BY organization_id, account_id, month;
