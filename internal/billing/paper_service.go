package billing

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/pdf"
)

// InvoicePDF writes invoices as PDF, each in the language in which it was issued.
// An invoice with a number gives the same bytes each time.
func (s *Service) InvoicePDF(ctx context.Context, _ *access.Caller, items []Invoice) ([]byte, error) {
	papers, language, made := make([]pdf.Paper, len(items)), "en", time.Unix(0, 0)
	for k := range items {
		i := &items[k]
		papers[k] = i.paper(s.countryName)
		if err := s.illustrate(ctx, &papers[k], i.Seller.Logo); err != nil {
			return nil, err
		}
		if k == 0 {
			language, made = i.Language, i.IssuedAt.Or(i.CreatedAt)
		}
	}
	return pdf.Write(papers, language, made)
}

// CreditPDF writes credit notes as PDF, like InvoicePDF.
func (s *Service) CreditPDF(ctx context.Context, _ *access.Caller, items []CreditNote) ([]byte, error) {
	papers, language, made := make([]pdf.Paper, len(items)), "en", time.Unix(0, 0)
	for k := range items {
		n := &items[k]
		papers[k] = n.paper(s.countryName)
		if err := s.illustrate(ctx, &papers[k], n.Seller.Logo); err != nil {
			return nil, err
		}
		if k == 0 {
			language, made = n.Language, n.IssuedAt
		}
	}
	return pdf.Write(papers, language, made)
}

// illustrate sets the logo that the issuer had then.
func (s *Service) illustrate(ctx context.Context, p *pdf.Paper, logo string) (err error) {
	if logo != "" {
		p.Logo, err = s.organizations.ImageAt(ctx, logo)
	}
	return err
}
