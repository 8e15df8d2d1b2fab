-- +goose Up
-- Pages far inside the orders by these columns begin at rows that are remembered.
{{if .PostgreSQL}}
-- +goose StatementBegin
CREATE FUNCTION refuse_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'a fixed column of % was to be changed', TG_TABLE_NAME;
END
$$;
-- +goose StatementEnd
{{end}}
{{.Fixed "bank_transaction" "transaction_on" "amount"}}
