-- +goose Up
{{.Searchable "employee" "first_name_fold" "last_name_fold" "name_fold" "email_fold"}}
{{.Searchable "location" "name_fold"}}
