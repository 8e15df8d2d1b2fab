-- +goose Up
-- Members of one role in the orders that lists can have: SQLite trusts the role to
-- be rare and would sort all who have it.
CREATE INDEX organization_user_role_name ON organization_user (organization_id, role, name_fold, id);
CREATE INDEX organization_user_role_email ON organization_user (organization_id, role, email_fold, id);
CREATE INDEX organization_user_role_joined_at ON organization_user (organization_id, role, joined_at, id);
-- Those who take a seat, in the orders that lists of seats can have.
CREATE INDEX organization_user_seat_name ON organization_user (organization_id, name_fold, id) WHERE status = 'active' AND role <> 'guest';
CREATE INDEX organization_user_seat_email ON organization_user (organization_id, email_fold, id) WHERE status = 'active' AND role <> 'guest';
CREATE INDEX organization_user_seat_since ON organization_user (organization_id, joined_at, id) WHERE status = 'active' AND role <> 'guest';
