package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api"
	"maskline/api/auth"
)

// Carriers is the resource /v1/carriers: how the operator's carriers are.
type Carriers struct{ Report func() api.Report }

// Carrier is a carrier for one service.
type Carrier struct {
	Carrier string `json:"carrier"`
	Service string `json:"service" enum:"sms,voice"`
	Up      bool   `json:"up" doc:"Whether anything may be sent there."`
	Breaker string `json:"breaker" doc:"closed, open, or half_open: one try at a time."`
}

// Register adds the operation.
func (c *Carriers) Register(to huma.API) {
	Register(to, Operation{
		ID: "listCarriers", Method: http.MethodGet, Path: "/v1/carriers", Summary: "How the carriers are, as this edge sees them", Tag: "carriers",
		Scope: auth.NumbersRead, Operator: true,
	}, func(context.Context, *struct{}) (*Answer[List[Carrier]], error) {
		list := List[Carrier]{Data: []Carrier{}}
		for _, r := range c.Report().Carriers {
			list.Data = append(list.Data, Carrier{r.Carrier, r.Service, r.Up, r.Breaker})
		}
		return Answering(list), nil
	})
}
