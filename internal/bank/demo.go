package bank

import (
	"context"
	"errors"
	"strings"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/bank/sandbox"
	"sede/internal/db"
	"sede/internal/null"
)

// demoReach is how much history a demo begins with, in days. A pull brings more.
const demoReach = 7

// Demo connects the organization to the Sandbox bank and imports what happened
// there of late, before it returns.
func (s *Service) Demo(ctx context.Context, who *access.Caller) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	client, err := s.providers.of(Sandbox)
	if err != nil {
		return err
	}
	i := Integration{ID: s.ids.New(), Provider: Sandbox, Status: StatusPending, AccessMode: string(kontomatik.Multiple), Country: null.Of("PT"),
		Version: 1, CreatedAt: s.moment(), UpdatedAt: s.moment()}
	session, token, err := client.MockSession(ctx, kontomatik.Mock{
		Login: "demo+" + sandbox.Quick, Country: strings.ToLower(i.Country.V), OwnerExternalID: owner(i.ID), Multiple: true,
	})
	if err != nil {
		return err
	}
	banks, err := s.providers.banks(ctx, Sandbox)
	if err != nil {
		return err
	}
	result := kontomatik.Result{Session: session, MultipleAccessID: token}
	for _, b := range banks {
		if result.Target == "" && strings.EqualFold(b.Country, i.Country.V) {
			result.Target, result.OfficialName = b.Name, b.OfficialName
		}
	}
	w := &work{scope: who.Scope(), complete: func(*db.Tx) error { return nil }, client: client}
	err = s.db.Write(ctx, w.scope, func(tx *db.Tx) error {
		w.integration = i
		w.consent = consent{id: s.ids.New(), integration: i.ID, state: consentPending, access: i.AccessMode, deadline: s.moment(), createdAt: s.moment()}
		insertIntegration(tx, w.scope, &w.integration)
		if err := insertConsent(tx, w.scope, &w.consent); err != nil {
			return err
		}
		if err := s.record(tx, who, nil, &w.integration); err != nil {
			return err
		}
		if err := s.accept(tx, who, w.scope, &w.integration, &w.consent, result); err != nil {
			return err
		}
		w.pull = pull{consent: w.consent.id, attended: true}
		return s.write(tx, who, w.scope, &w.integration, &w.pull, s.moment().AddDate(0, 0, -demoReach))
	})
	for err == nil && !w.pull.finishedAt.Valid {
		err = s.step(ctx, w)
	}
	if err == nil && w.pull.error.Valid {
		err = errors.New("bank: the demo's import failed: " + w.pull.error.V)
	}
	return err
}
