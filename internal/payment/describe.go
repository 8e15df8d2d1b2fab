package payment

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"

	"sede/internal/hydra"
)

// describe adds the webhook to the OpenAPI document.
func describe(document *openapi3.T) {
	document.Tags = append(document.Tags, &openapi3.Tag{Name: "Webhook", Description: "What other servers say."})
	event := openapi3.NewObjectSchema()
	event.Description = "An event of Stripe's. The signature over the body as it was sent is in Stripe-Signature."
	event.WithAnyAdditionalProperties()
	document.Components.Schemas["StripeEvent"] = openapi3.NewSchemaRef("", event)
	op := &openapi3.Operation{
		OperationID: "stripe_webhook_post", Tags: []string{"Webhook"}, Summary: "Takes in an event of Stripe's.",
		Description: "Takes in an event of Stripe's. It is stored and answered at once, and worked off afterwards; one that is known already changes nothing.",
		Security:    openapi3.NewSecurityRequirements(),
		Parameters:  openapi3.Parameters{{Value: openapi3.NewHeaderParameter("Stripe-Signature").WithSchema(openapi3.NewStringSchema()).WithRequired(true)}},
		RequestBody: &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).
			WithJSONSchemaRef(openapi3.NewSchemaRef("#/components/schemas/StripeEvent", nil))},
	}
	hydra.AddLimits(op)
	hydra.AddProblems(op, 400, 404, 413)
	received := openapi3.NewObjectSchema().WithProperty("received", openapi3.NewBoolSchema())
	op.AddResponse(http.StatusOK, openapi3.NewResponse().WithDescription("Event stored").WithJSONSchema(received))
	document.AddOperation("/webhooks/stripe", http.MethodPost, op)
}
