// Code generated from the OpenAPI document by go test ./cmd/maskline -run TestClients -update. DO NOT EDIT.

package client

import (
	"context"
	"iter"
)

// AddParticipant: Add a person to a group.
// POST /v1/sessions/{id}/participants
//
// Needs the scope `sessions:write`.
func (c *Client) AddParticipant(ctx context.Context, id string, in *Person, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "POST", path: "/v1/sessions/{id}/participants", inPath: []string{id}, body: in, idempotent: true, options: options})
}

// AllocateNumber: Lease a number.
// POST /v1/rpc/allocateNumber
//
// Another name of createLease. Needs the scope `sessions:write`.
func (c *Client) AllocateNumber(ctx context.Context, in *LeaseRequest, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/rpc/allocateNumber", body: in, idempotent: true, options: options})
}

// BurnLease: Release a number and keep it back.
// POST /v1/leases/{id}/burn
//
// The number goes on the watchlist: nobody gets it until it is released from there. Needs the scope `sessions:write`.
func (c *Client) BurnLease(ctx context.Context, id string, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/leases/{id}/burn", inPath: []string{id}, options: options})
}

// BurnSession: End a session and keep its masks back.
// POST /v1/sessions/{id}/burn
//
// Its masks go on the watchlist: nobody gets them until they are released. Needs the scope `sessions:write`.
func (c *Client) BurnSession(ctx context.Context, id string, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "POST", path: "/v1/sessions/{id}/burn", inPath: []string{id}, options: options})
}

// ChangePool: Change what is named of a pool.
// PATCH /v1/pools/{name}
//
// Needs the scope `numbers:write`. For keys of the operator.
func (c *Client) ChangePool(ctx context.Context, name string, in *PoolPolicy, options ...Option) (*Pool, error) {
	return answer[Pool](ctx, c, &call{method: "PATCH", path: "/v1/pools/{name}", inPath: []string{name}, body: in, options: options})
}

// CheckVerification: Compare a code.
// POST /v1/verifications/{id}/check
//
// Each guess counts. next_step says what to do after it. Needs the scope `verifications:write`.
func (c *Client) CheckVerification(ctx context.Context, id string, in *CheckInput, options ...Option) (*Checked, error) {
	return answer[Checked](ctx, c, &call{method: "POST", path: "/v1/verifications/{id}/check", inPath: []string{id}, body: in, options: options})
}

// CloseSession: End a session now.
// DELETE /v1/sessions/{id}
//
// When it answers, this edge refuses its masks. A session that has ended stays as it is. Needs the scope `sessions:write`.
func (c *Client) CloseSession(ctx context.Context, id string, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "DELETE", path: "/v1/sessions/{id}", inPath: []string{id}, options: options})
}

// CreateBlock: Keep a person, a mask or the pair from contact.
// POST /v1/blocks
//
// Setting one that stands is no fault. Needs the scope `restrictions:write`.
func (c *Client) CreateBlock(ctx context.Context, in *RestrictionInput, options ...Option) (*Restriction, error) {
	return answer[Restriction](ctx, c, &call{method: "POST", path: "/v1/blocks", body: in, options: options})
}

// CreateCall: Call the two people of a session.
// POST /v1/sessions/{id}/calls
//
// The edge calls one of them, who sees the mask to dial for the other, and then the other one, who sees the mask to dial for the first. The answer comes when the first call goes out. With any problem, nobody is called. Needs the scope `calls:write`.
func (c *Client) CreateCall(ctx context.Context, id string, in *CreateCallInput, options ...Option) (*Call, error) {
	return answer[Call](ctx, c, &call{method: "POST", path: "/v1/sessions/{id}/calls", inPath: []string{id}, body: in, idempotent: true, options: options})
}

// CreateKey: Make an API key.
// POST /v1/keys
//
// The answer holds its text, which is shown this once. Needs the scope `keys:write`.
func (c *Client) CreateKey(ctx context.Context, in *KeyRequest, options ...Option) (*Key, error) {
	return answer[Key](ctx, c, &call{method: "POST", path: "/v1/keys", body: in, options: options})
}

// CreateLease: Lease a number.
// POST /v1/leases
//
// When it answers, the number routes. Needs the scope `sessions:write`.
func (c *Client) CreateLease(ctx context.Context, in *LeaseRequest, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/leases", body: in, idempotent: true, options: options})
}

// CreateOptOut: Send a person no more messages.
// POST /v1/optouts
//
// Setting one that stands is no fault. Needs the scope `restrictions:write`.
func (c *Client) CreateOptOut(ctx context.Context, in *RestrictionInput, options ...Option) (*Restriction, error) {
	return answer[Restriction](ctx, c, &call{method: "POST", path: "/v1/optouts", body: in, options: options})
}

// CreatePool: Make a pool.
// POST /v1/pools
//
// Needs the scope `numbers:write`. For keys of the operator.
func (c *Client) CreatePool(ctx context.Context, in *CreatePoolInput, options ...Option) (*Pool, error) {
	return answer[Pool](ctx, c, &call{method: "POST", path: "/v1/pools", body: in, options: options})
}

// CreateSession: Connect people by masks.
// POST /v1/sessions
//
// When it answers, the masks route. Needs the scope `sessions:write`.
func (c *Client) CreateSession(ctx context.Context, in *SessionRequest, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "POST", path: "/v1/sessions", body: in, idempotent: true, options: options})
}

// CreateWebhookEndpoint: Have events posted.
// POST /v1/webhook-endpoints
//
// Needs the scope `webhooks:write`.
func (c *Client) CreateWebhookEndpoint(ctx context.Context, in *EndpointInput, options ...Option) (*Endpoint, error) {
	return answer[Endpoint](ctx, c, &call{method: "POST", path: "/v1/webhook-endpoints", body: in, options: options})
}

// CreateWorkflow: Say how users are verified.
// POST /v1/workflows
//
// Needs the scope `verifications:write`.
func (c *Client) CreateWorkflow(ctx context.Context, in *WorkflowInput, q CreateWorkflowQuery, options ...Option) (*Workflow, error) {
	return answer[Workflow](ctx, c, &call{method: "POST", path: "/v1/workflows", body: in, query: q, options: options})
}

// DeleteLease: Release a number now.
// DELETE /v1/leases/{id}
//
// When it answers, this edge refuses the number. A lease that has ended stays as it is. Needs the scope `sessions:write`.
func (c *Client) DeleteLease(ctx context.Context, id string, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "DELETE", path: "/v1/leases/{id}", inPath: []string{id}, options: options})
}

// DeletePool: Delete a pool without masks.
// DELETE /v1/pools/{name}
//
// Needs the scope `numbers:write`. For keys of the operator.
func (c *Client) DeletePool(ctx context.Context, name string, options ...Option) error {
	return c.do(ctx, &call{method: "DELETE", path: "/v1/pools/{name}", inPath: []string{name}, options: options}, nil)
}

// DeleteWebhookEndpoint: Delete an endpoint and its log.
// DELETE /v1/webhook-endpoints/{id}
//
// Needs the scope `webhooks:write`.
func (c *Client) DeleteWebhookEndpoint(ctx context.Context, id string, q DeleteWebhookEndpointQuery, options ...Option) error {
	return c.do(ctx, &call{method: "DELETE", path: "/v1/webhook-endpoints/{id}", inPath: []string{id}, query: q, options: options}, nil)
}

// DeleteWorkflow: Delete a workflow.
// DELETE /v1/workflows/{id}
//
// Codes that were sent can still be checked. Needs the scope `verifications:write`.
func (c *Client) DeleteWorkflow(ctx context.Context, id string, options ...Option) error {
	return c.do(ctx, &call{method: "DELETE", path: "/v1/workflows/{id}", inPath: []string{id}, options: options}, nil)
}

// EndCall: End a call.
// DELETE /v1/calls/{id}
//
// Whoever rings or talks is hung up on. A call that has ended stays as it is. Needs the scope `calls:write`.
func (c *Client) EndCall(ctx context.Context, id string, options ...Option) (*Call, error) {
	return answer[Call](ctx, c, &call{method: "DELETE", path: "/v1/calls/{id}", inPath: []string{id}, options: options})
}

// ExtendLease: Let a lease live for a time from now.
// PATCH /v1/leases/{id}
//
// Needs the scope `sessions:write`.
func (c *Client) ExtendLease(ctx context.Context, id string, in *ExtendSessionInput, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "PATCH", path: "/v1/leases/{id}", inPath: []string{id}, body: in, options: options})
}

// ExtendSession: Let a session live for a time from now.
// PATCH /v1/sessions/{id}
//
// Needs the scope `sessions:write`.
func (c *Client) ExtendSession(ctx context.Context, id string, in *ExtendSessionInput, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "PATCH", path: "/v1/sessions/{id}", inPath: []string{id}, body: in, options: options})
}

// FindBlocks: Read the blocks of a person.
// POST /v1/blocks/search
//
// Needs the scope `restrictions:read`.
func (c *Client) FindBlocks(ctx context.Context, in *RestrictionInput, options ...Option) (*List[Restriction], error) {
	return answer[List[Restriction]](ctx, c, &call{method: "POST", path: "/v1/blocks/search", body: in, options: options})
}

// FindOptOuts: Read the opt-outs of a person.
// POST /v1/optouts/search
//
// Needs the scope `restrictions:read`.
func (c *Client) FindOptOuts(ctx context.Context, in *RestrictionInput, options ...Option) (*List[Restriction], error) {
	return answer[List[Restriction]](ctx, c, &call{method: "POST", path: "/v1/optouts/search", body: in, options: options})
}

// GetCall: Read a call.
// GET /v1/calls/{id}
//
// Needs the scope `calls:read`.
func (c *Client) GetCall(ctx context.Context, id string, options ...Option) (*Call, error) {
	return answer[Call](ctx, c, &call{method: "GET", path: "/v1/calls/{id}", inPath: []string{id}, options: options})
}

// GetConsent: Read a consent.
// GET /v1/consents/{id}
//
// Needs the scope `restrictions:read`.
func (c *Client) GetConsent(ctx context.Context, id string, options ...Option) (*Consent, error) {
	return answer[Consent](ctx, c, &call{method: "GET", path: "/v1/consents/{id}", inPath: []string{id}, options: options})
}

// GetDeliveryStatus: Read what became of a message.
// POST /v1/rpc/getDeliveryStatus
//
// The same as getMessageStatus. Needs the scope `messages:read`.
func (c *Client) GetDeliveryStatus(ctx context.Context, in *DeliveryStatusInput, options ...Option) (*DeliveryStatus, error) {
	return answer[DeliveryStatus](ctx, c, &call{method: "POST", path: "/v1/rpc/getDeliveryStatus", body: in, options: options})
}

// GetLease: Read a lease.
// GET /v1/leases/{id}
//
// Needs the scope `sessions:read`.
func (c *Client) GetLease(ctx context.Context, id string, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "GET", path: "/v1/leases/{id}", inPath: []string{id}, options: options})
}

// GetLimits: Read the limits of the key that asks, and what is held against it.
// GET /v1/limits
func (c *Client) GetLimits(ctx context.Context, options ...Option) (*Limit, error) {
	return answer[Limit](ctx, c, &call{method: "GET", path: "/v1/limits", options: options})
}

// GetMessage: Read a message.
// GET /v1/messages/{id}
//
// Needs the scope `messages:read`.
func (c *Client) GetMessage(ctx context.Context, id string, options ...Option) (*Message, error) {
	return answer[Message](ctx, c, &call{method: "GET", path: "/v1/messages/{id}", inPath: []string{id}, options: options})
}

// GetMessageStatus: Read what became of a message.
// GET /v1/messages/{id}/status
//
// Needs the scope `messages:read`.
func (c *Client) GetMessageStatus(ctx context.Context, id string, options ...Option) (*DeliveryStatus, error) {
	return answer[DeliveryStatus](ctx, c, &call{method: "GET", path: "/v1/messages/{id}/status", inPath: []string{id}, options: options})
}

// GetNumber: Read a mask and its history.
// GET /v1/numbers/{number}
//
// Needs the scope `numbers:read`. For keys of the operator.
func (c *Client) GetNumber(ctx context.Context, number string, options ...Option) (*Number, error) {
	return answer[Number](ctx, c, &call{method: "GET", path: "/v1/numbers/{number}", inPath: []string{number}, options: options})
}

// GetPool: Read a pool.
// GET /v1/pools/{name}
//
// Needs the scope `numbers:read`.
func (c *Client) GetPool(ctx context.Context, name string, options ...Option) (*Pool, error) {
	return answer[Pool](ctx, c, &call{method: "GET", path: "/v1/pools/{name}", inPath: []string{name}, options: options})
}

// GetPoolHealth: What a pool carries, and when it will be exhausted.
// GET /v1/pools/{name}/health
//
// As this edge sees it. Needs the scope `numbers:read`.
func (c *Client) GetPoolHealth(ctx context.Context, name string, options ...Option) (*PoolHealth, error) {
	return answer[PoolHealth](ctx, c, &call{method: "GET", path: "/v1/pools/{name}/health", inPath: []string{name}, options: options})
}

// GetProblem: What a problem's code means.
// GET /v1/problems/{code}
func (c *Client) GetProblem(ctx context.Context, code string, options ...Option) (*About, error) {
	return answer[About](ctx, c, &call{method: "GET", path: "/v1/problems/{code}", inPath: []string{code}, options: options})
}

// GetSession: Read a session.
// GET /v1/sessions/{id}
//
// Needs the scope `sessions:read`.
func (c *Client) GetSession(ctx context.Context, id string, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "GET", path: "/v1/sessions/{id}", inPath: []string{id}, options: options})
}

// GetVerification: Read a verification and its timeline.
// GET /v1/verifications/{id}
//
// Needs the scope `verifications:read`.
func (c *Client) GetVerification(ctx context.Context, id string, options ...Option) (*Verification, error) {
	return answer[Verification](ctx, c, &call{method: "GET", path: "/v1/verifications/{id}", inPath: []string{id}, options: options})
}

// GetWebhookEndpoint: Read an endpoint.
// GET /v1/webhook-endpoints/{id}
//
// Needs the scope `webhooks:read`.
func (c *Client) GetWebhookEndpoint(ctx context.Context, id string, q GetWebhookEndpointQuery, options ...Option) (*Endpoint, error) {
	return answer[Endpoint](ctx, c, &call{method: "GET", path: "/v1/webhook-endpoints/{id}", inPath: []string{id}, query: q, options: options})
}

// GetWorkflow: Read a workflow.
// GET /v1/workflows/{id}
//
// Needs the scope `verifications:read`.
func (c *Client) GetWorkflow(ctx context.Context, id string, options ...Option) (*Workflow, error) {
	return answer[Workflow](ctx, c, &call{method: "GET", path: "/v1/workflows/{id}", inPath: []string{id}, options: options})
}

// ImportNumbers: Add masks, or change those that are known.
// POST /v1/numbers
//
// All of them, or none. A mask's every attribute is set, also one that is not named; the state of a known one stays where none is named. Needs the scope `numbers:write`. For keys of the operator.
func (c *Client) ImportNumbers(ctx context.Context, in *ImportNumbersInput, options ...Option) (*Written, error) {
	return answer[Written](ctx, c, &call{method: "POST", path: "/v1/numbers", body: in, options: options})
}

// LiftBlock: End a block.
// POST /v1/blocks/lift
//
// Needs the scope `restrictions:write`.
func (c *Client) LiftBlock(ctx context.Context, in *RestrictionInput, options ...Option) (*Restriction, error) {
	return answer[Restriction](ctx, c, &call{method: "POST", path: "/v1/blocks/lift", body: in, options: options})
}

// LiftOptOut: End the opt-outs of a person.
// POST /v1/optouts/lift
//
// Needs the scope `restrictions:write`.
func (c *Client) LiftOptOut(ctx context.Context, in *RestrictionInput, options ...Option) (*Restriction, error) {
	return answer[Restriction](ctx, c, &call{method: "POST", path: "/v1/optouts/lift", body: in, options: options})
}

// ListAudit: List who changed what, in the order of the chain.
// GET /v1/audit
//
// A line is in the list within about a second of its change. Needs the scope `audit:read`.
func (c *Client) ListAudit(ctx context.Context, q ListAuditQuery, options ...Option) (*List[AuditLine], error) {
	return answer[List[AuditLine]](ctx, c, &call{method: "GET", path: "/v1/audit", query: q, options: options})
}

// ListAuditAll reads every page of ListAudit.
func (c *Client) ListAuditAll(ctx context.Context, q ListAuditQuery, options ...Option) iter.Seq2[AuditLine, error] {
	return pages(func(cursor string) (*List[AuditLine], error) {
		q.Cursor = cursor
		return c.ListAudit(ctx, q, options...)
	})
}

// ListCalls: List the calls that were made to the people of a session.
// GET /v1/sessions/{id}/calls
//
// Needs the scope `calls:read`.
func (c *Client) ListCalls(ctx context.Context, id string, q ListCallsQuery, options ...Option) (*List[Call], error) {
	return answer[List[Call]](ctx, c, &call{method: "GET", path: "/v1/sessions/{id}/calls", inPath: []string{id}, query: q, options: options})
}

// ListCallsAll reads every page of ListCalls.
func (c *Client) ListCallsAll(ctx context.Context, id string, q ListCallsQuery, options ...Option) iter.Seq2[Call, error] {
	return pages(func(cursor string) (*List[Call], error) {
		q.Cursor = cursor
		return c.ListCalls(ctx, id, q, options...)
	})
}

// ListCarriers: How the carriers are, as this edge sees them.
// GET /v1/carriers
//
// Needs the scope `numbers:read`. For keys of the operator.
func (c *Client) ListCarriers(ctx context.Context, options ...Option) (*List[Carrier], error) {
	return answer[List[Carrier]](ctx, c, &call{method: "GET", path: "/v1/carriers", options: options})
}

// ListConsents: List consents in the order in which they were recorded.
// GET /v1/consents
//
// Needs the scope `restrictions:read`.
func (c *Client) ListConsents(ctx context.Context, q ListConsentsQuery, options ...Option) (*List[Consent], error) {
	return answer[List[Consent]](ctx, c, &call{method: "GET", path: "/v1/consents", query: q, options: options})
}

// ListConsentsAll reads every page of ListConsents.
func (c *Client) ListConsentsAll(ctx context.Context, q ListConsentsQuery, options ...Option) iter.Seq2[Consent, error] {
	return pages(func(cursor string) (*List[Consent], error) {
		q.Cursor = cursor
		return c.ListConsents(ctx, q, options...)
	})
}

// ListEvents: Read events, or follow them.
// GET /v1/events
//
// The same events as those of webhooks, in the same order. Go on with `after` and the id of the last one. With `Accept: text/event-stream` they come as server-sent events. Needs the scope `events:read`.
func (c *Client) ListEvents(ctx context.Context, q ListEventsQuery, options ...Option) (*EventList, error) {
	return answer[EventList](ctx, c, &call{method: "GET", path: "/v1/events", query: q, options: options})
}

// ListKeys: List API keys, without their texts.
// GET /v1/keys
//
// Needs the scope `keys:read`.
func (c *Client) ListKeys(ctx context.Context, q ListKeysQuery, options ...Option) (*List[Key], error) {
	return answer[List[Key]](ctx, c, &call{method: "GET", path: "/v1/keys", query: q, options: options})
}

// ListKeysAll reads every page of ListKeys.
func (c *Client) ListKeysAll(ctx context.Context, q ListKeysQuery, options ...Option) iter.Seq2[Key, error] {
	return pages(func(cursor string) (*List[Key], error) {
		q.Cursor = cursor
		return c.ListKeys(ctx, q, options...)
	})
}

// ListLeases: List leases in the order in which they were made.
// GET /v1/leases
//
// Needs the scope `sessions:read`.
func (c *Client) ListLeases(ctx context.Context, q ListLeasesQuery, options ...Option) (*List[Lease], error) {
	return answer[List[Lease]](ctx, c, &call{method: "GET", path: "/v1/leases", query: q, options: options})
}

// ListLeasesAll reads every page of ListLeases.
func (c *Client) ListLeasesAll(ctx context.Context, q ListLeasesQuery, options ...Option) iter.Seq2[Lease, error] {
	return pages(func(cursor string) (*List[Lease], error) {
		q.Cursor = cursor
		return c.ListLeases(ctx, q, options...)
	})
}

// ListMessages: List the messages that were sent through a session.
// GET /v1/sessions/{id}/messages
//
// Needs the scope `messages:read`.
func (c *Client) ListMessages(ctx context.Context, id string, q ListMessagesQuery, options ...Option) (*List[Message], error) {
	return answer[List[Message]](ctx, c, &call{method: "GET", path: "/v1/sessions/{id}/messages", inPath: []string{id}, query: q, options: options})
}

// ListMessagesAll reads every page of ListMessages.
func (c *Client) ListMessagesAll(ctx context.Context, id string, q ListMessagesQuery, options ...Option) iter.Seq2[Message, error] {
	return pages(func(cursor string) (*List[Message], error) {
		q.Cursor = cursor
		return c.ListMessages(ctx, id, q, options...)
	})
}

// ListNumbers: List masks in the order of their numbers.
// GET /v1/numbers
//
// Needs the scope `numbers:read`. For keys of the operator.
func (c *Client) ListNumbers(ctx context.Context, q ListNumbersQuery, options ...Option) (*List[Number], error) {
	return answer[List[Number]](ctx, c, &call{method: "GET", path: "/v1/numbers", query: q, options: options})
}

// ListNumbersAll reads every page of ListNumbers.
func (c *Client) ListNumbersAll(ctx context.Context, q ListNumbersQuery, options ...Option) iter.Seq2[Number, error] {
	return pages(func(cursor string) (*List[Number], error) {
		q.Cursor = cursor
		return c.ListNumbers(ctx, q, options...)
	})
}

// ListPools: List pools in the order of their names.
// GET /v1/pools
//
// Needs the scope `numbers:read`.
func (c *Client) ListPools(ctx context.Context, q ListPoolsQuery, options ...Option) (*List[Pool], error) {
	return answer[List[Pool]](ctx, c, &call{method: "GET", path: "/v1/pools", query: q, options: options})
}

// ListPoolsAll reads every page of ListPools.
func (c *Client) ListPoolsAll(ctx context.Context, q ListPoolsQuery, options ...Option) iter.Seq2[Pool, error] {
	return pages(func(cursor string) (*List[Pool], error) {
		q.Cursor = cursor
		return c.ListPools(ctx, q, options...)
	})
}

// ListSessions: List sessions in the order in which they were made.
// GET /v1/sessions
//
// Needs the scope `sessions:read`.
func (c *Client) ListSessions(ctx context.Context, q ListSessionsQuery, options ...Option) (*List[Session], error) {
	return answer[List[Session]](ctx, c, &call{method: "GET", path: "/v1/sessions", query: q, options: options})
}

// ListSessionsAll reads every page of ListSessions.
func (c *Client) ListSessionsAll(ctx context.Context, q ListSessionsQuery, options ...Option) iter.Seq2[Session, error] {
	return pages(func(cursor string) (*List[Session], error) {
		q.Cursor = cursor
		return c.ListSessions(ctx, q, options...)
	})
}

// ListWebhookDeliveries: Read what became of events, newest first.
// GET /v1/webhook-endpoints/{id}/deliveries
//
// Needs the scope `webhooks:read`.
func (c *Client) ListWebhookDeliveries(ctx context.Context, id string, q ListWebhookDeliveriesQuery, options ...Option) (*List[EndpointDelivery], error) {
	return answer[List[EndpointDelivery]](ctx, c, &call{method: "GET", path: "/v1/webhook-endpoints/{id}/deliveries", inPath: []string{id}, query: q, options: options})
}

// ListWebhookDeliveriesAll reads every page of ListWebhookDeliveries.
func (c *Client) ListWebhookDeliveriesAll(ctx context.Context, id string, q ListWebhookDeliveriesQuery, options ...Option) iter.Seq2[EndpointDelivery, error] {
	return pages(func(cursor string) (*List[EndpointDelivery], error) {
		q.Cursor = cursor
		return c.ListWebhookDeliveries(ctx, id, q, options...)
	})
}

// ListWebhookEndpoints: List endpoints.
// GET /v1/webhook-endpoints
//
// Needs the scope `webhooks:read`.
func (c *Client) ListWebhookEndpoints(ctx context.Context, q ListWebhookEndpointsQuery, options ...Option) (*List[Endpoint], error) {
	return answer[List[Endpoint]](ctx, c, &call{method: "GET", path: "/v1/webhook-endpoints", query: q, options: options})
}

// ListWorkflows: List workflows.
// GET /v1/workflows
//
// Needs the scope `verifications:read`.
func (c *Client) ListWorkflows(ctx context.Context, options ...Option) (*List[Workflow], error) {
	return answer[List[Workflow]](ctx, c, &call{method: "GET", path: "/v1/workflows", options: options})
}

// ReadUsage: Read what traffic came to, by day.
// GET /v1/usage
//
// What carriers and ends took, of each day of UTC, a second or two behind. Keys of the operator read all tenants, or one. Needs the scope `usage:read`.
func (c *Client) ReadUsage(ctx context.Context, q ReadUsageQuery, options ...Option) (*Usage, error) {
	return answer[Usage](ctx, c, &call{method: "GET", path: "/v1/usage", query: q, options: options})
}

// RecordConsent: Record that a person has agreed.
// POST /v1/consents
//
// Needs the scope `restrictions:write`.
func (c *Client) RecordConsent(ctx context.Context, in *ConsentInput, options ...Option) (*Consent, error) {
	return answer[Consent](ctx, c, &call{method: "POST", path: "/v1/consents", body: in, idempotent: true, options: options})
}

// ReleaseLease: Release a number now, with a reason.
// POST /v1/leases/{id}/release
//
// Needs the scope `sessions:write`.
func (c *Client) ReleaseLease(ctx context.Context, id string, in *ReleaseInput, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/leases/{id}/release", inPath: []string{id}, body: in, options: options})
}

// ReleaseNumber: Release a number now, with a reason.
// POST /v1/rpc/releaseNumber
//
// Another name of releaseLease. Needs the scope `sessions:write`.
func (c *Client) ReleaseNumber(ctx context.Context, in *ReleaseNumberInput, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/rpc/releaseNumber", body: in, options: options})
}

// ReplaceWorkflow: Change a workflow.
// PUT /v1/workflows/{id}
//
// Codes that are sent from then on follow it. Needs the scope `verifications:write`.
func (c *Client) ReplaceWorkflow(ctx context.Context, id string, in *WorkflowInput, options ...Option) (*Workflow, error) {
	return answer[Workflow](ctx, c, &call{method: "PUT", path: "/v1/workflows/{id}", inPath: []string{id}, body: in, options: options})
}

// ReplayWebhookEvents: Post events again.
// POST /v1/webhook-endpoints/{id}/replay
//
// Needs the scope `webhooks:write`.
func (c *Client) ReplayWebhookEvents(ctx context.Context, id string, in *EndpointReplayInput, q ReplayWebhookEventsQuery, options ...Option) (*ReplayAnswer, error) {
	return answer[ReplayAnswer](ctx, c, &call{method: "POST", path: "/v1/webhook-endpoints/{id}/replay", inPath: []string{id}, body: in, query: q, options: options})
}

// RequestNumber: Lease a number.
// POST /v1/rpc/requestNumber
//
// Another name of createLease. Needs the scope `sessions:write`.
func (c *Client) RequestNumber(ctx context.Context, in *LeaseRequest, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/rpc/requestNumber", body: in, idempotent: true, options: options})
}

// ResendVerification: Send a new code.
// POST /v1/verifications/{id}/resend
//
// The code before is worth nothing then; guesses that were made still count. The intervals grow: rate-limited says when. Needs the scope `verifications:write`.
func (c *Client) ResendVerification(ctx context.Context, id string, options ...Option) (*Verification, error) {
	return answer[Verification](ctx, c, &call{method: "POST", path: "/v1/verifications/{id}/resend", inPath: []string{id}, idempotent: true, options: options})
}

// ResumeKey: Let a suspended API key in again.
// POST /v1/keys/{id}/resume
//
// What this edge holds against it is forgotten. Needs the scope `keys:write`. For keys of the operator.
func (c *Client) ResumeKey(ctx context.Context, id string, options ...Option) (*Key, error) {
	return answer[Key](ctx, c, &call{method: "POST", path: "/v1/keys/{id}/resume", inPath: []string{id}, options: options})
}

// RevokeKey: Revoke an API key.
// DELETE /v1/keys/{id}
//
// This edge refuses it at once, others within a second or two. Needs the scope `keys:write`.
func (c *Client) RevokeKey(ctx context.Context, id string, options ...Option) (*Key, error) {
	return answer[Key](ctx, c, &call{method: "DELETE", path: "/v1/keys/{id}", inPath: []string{id}, options: options})
}

// RotateKey: Replace an API key.
// POST /v1/keys/{id}/rotate
//
// The new key may do what the old one may; the old one ends after the overlap. Needs the scope `keys:write`.
func (c *Client) RotateKey(ctx context.Context, id string, in *RotateKeyInput, options ...Option) (*Key, error) {
	return answer[Key](ctx, c, &call{method: "POST", path: "/v1/keys/{id}/rotate", inPath: []string{id}, body: in, options: options})
}

// RotateLease: Give a lease another number.
// POST /v1/leases/{id}/rotate
//
// Needs the scope `sessions:write`.
func (c *Client) RotateLease(ctx context.Context, id string, options ...Option) (*Lease, error) {
	return answer[Lease](ctx, c, &call{method: "POST", path: "/v1/leases/{id}/rotate", inPath: []string{id}, idempotent: true, options: options})
}

// RotateSession: Give the people of a session other masks.
// POST /v1/sessions/{id}/rotate
//
// Needs the scope `sessions:write`.
func (c *Client) RotateSession(ctx context.Context, id string, options ...Option) (*Session, error) {
	return answer[Session](ctx, c, &call{method: "POST", path: "/v1/sessions/{id}/rotate", inPath: []string{id}, idempotent: true, options: options})
}

// RotateWebhookSecret: Replace the signing secret.
// POST /v1/webhook-endpoints/{id}/rotate-secret
//
// Needs the scope `webhooks:write`.
func (c *Client) RotateWebhookSecret(ctx context.Context, id string, in *EndpointRotationInput, q RotateWebhookSecretQuery, options ...Option) (*Endpoint, error) {
	return answer[Endpoint](ctx, c, &call{method: "POST", path: "/v1/webhook-endpoints/{id}/rotate-secret", inPath: []string{id}, body: in, query: q, options: options})
}

// SandboxAdvanceClock: Move the clock of the sandbox on.
// POST /v1/sandbox/advance-clock
//
// For keys of the sandbox; to others it is not there. It never goes back. Needs the scope `sessions:write`.
func (c *Client) SandboxAdvanceClock(ctx context.Context, in *AdvanceInput, options ...Option) (*ClockTime, error) {
	return answer[ClockTime](ctx, c, &call{method: "POST", path: "/v1/sandbox/advance-clock", body: in, options: options})
}

// SandboxCalls: Read which calls have come to people of the sandbox of late.
// GET /v1/sandbox/calls
//
// For keys of the sandbox; to others it is not there. The last hundred, which are in memory alone. Needs the scope `messages:read`.
func (c *Client) SandboxCalls(ctx context.Context, options ...Option) (*List[Called], error) {
	return answer[List[Called]](ctx, c, &call{method: "GET", path: "/v1/sandbox/calls", options: options})
}

// SandboxClock: Read the clock of the sandbox.
// GET /v1/sandbox/clock
//
// For keys of the sandbox; to others it is not there. Needs the scope `sessions:read`.
func (c *Client) SandboxClock(ctx context.Context, options ...Option) (*ClockTime, error) {
	return answer[ClockTime](ctx, c, &call{method: "GET", path: "/v1/sandbox/clock", options: options})
}

// SandboxInboundCall: Call a mask as a person would.
// POST /v1/sandbox/inbound-call
//
// For keys of the sandbox; to others it is not there. The answer comes when the call is over. Needs the scope `messages:write`.
func (c *Client) SandboxInboundCall(ctx context.Context, in *CallInput, options ...Option) (*CallAnswer, error) {
	return answer[CallAnswer](ctx, c, &call{method: "POST", path: "/v1/sandbox/inbound-call", body: in, options: options})
}

// SandboxInboundSMS: Write to a mask as a person would.
// POST /v1/sandbox/inbound-sms
//
// For keys of the sandbox; to others it is not there. Needs the scope `messages:write`.
func (c *Client) SandboxInboundSMS(ctx context.Context, in *InboundInput, options ...Option) (*InboundAnswer, error) {
	return answer[InboundAnswer](ctx, c, &call{method: "POST", path: "/v1/sandbox/inbound-sms", body: in, options: options})
}

// SandboxMessages: Read what people of the sandbox have got of late.
// GET /v1/sandbox/messages
//
// For keys of the sandbox; to others it is not there. The last hundred, which are in memory alone. Needs the scope `messages:read`.
func (c *Client) SandboxMessages(ctx context.Context, options ...Option) (*List[Received], error) {
	return answer[List[Received]](ctx, c, &call{method: "GET", path: "/v1/sandbox/messages", options: options})
}

// SearchConsents: Find the consents of a person.
// POST /v1/consents/search
//
// As listConsents; the number stands in the body, since addresses are logged on the way. Needs the scope `restrictions:read`.
func (c *Client) SearchConsents(ctx context.Context, in *SearchConsentsInput, options ...Option) (*List[Consent], error) {
	return answer[List[Consent]](ctx, c, &call{method: "POST", path: "/v1/consents/search", body: in, options: options})
}

// SearchConsentsAll reads every page of SearchConsents.
func (c *Client) SearchConsentsAll(ctx context.Context, in *SearchConsentsInput, options ...Option) iter.Seq2[Consent, error] {
	return pages(func(cursor string) (*List[Consent], error) {
		next := *in
		in, next.Cursor = &next, cursor
		return c.SearchConsents(ctx, in, options...)
	})
}

// SearchSessions: Find the sessions of a person.
// POST /v1/sessions/search
//
// As listSessions; the number stands in the body, since addresses are logged on the way. Needs the scope `sessions:read`.
func (c *Client) SearchSessions(ctx context.Context, in *SearchSessionsInput, options ...Option) (*List[Session], error) {
	return answer[List[Session]](ctx, c, &call{method: "POST", path: "/v1/sessions/search", body: in, options: options})
}

// SearchSessionsAll reads every page of SearchSessions.
func (c *Client) SearchSessionsAll(ctx context.Context, in *SearchSessionsInput, options ...Option) iter.Seq2[Session, error] {
	return pages(func(cursor string) (*List[Session], error) {
		next := *in
		in, next.Cursor = &next, cursor
		return c.SearchSessions(ctx, in, options...)
	})
}

// SendMessage: Send a message through a session.
// POST /v1/sessions/{id}/messages
//
// The answer comes when a carrier has the message: 201, or 202 with state unknown where the carrier was silent. A receipt of the network makes it delivered. With any problem, nothing was sent. Needs the scope `messages:write`.
func (c *Client) SendMessage(ctx context.Context, id string, in *SendMessageInput, options ...Option) (*Message, error) {
	return answer[Message](ctx, c, &call{method: "POST", path: "/v1/sessions/{id}/messages", inPath: []string{id}, body: in, idempotent: true, options: options})
}

// SetNumberStates: Drain, release, watchlist or retire masks.
// POST /v1/numbers/states
//
// All of them, or none. What stands on a mask goes on in every state until its session ends. Needs the scope `numbers:write`. For keys of the operator.
func (c *Client) SetNumberStates(ctx context.Context, in *NumberStatesInput, options ...Option) (*Changed, error) {
	return answer[Changed](ctx, c, &call{method: "POST", path: "/v1/numbers/states", body: in, options: options})
}

// StartVerification: Send a code to a number.
// POST /v1/verifications
//
// The answer comes when a carrier has the message with the code. With any problem, nothing was sent and nothing is kept. Needs the scope `verifications:write`.
func (c *Client) StartVerification(ctx context.Context, in *StartInput, options ...Option) (*Verification, error) {
	return answer[Verification](ctx, c, &call{method: "POST", path: "/v1/verifications", body: in, idempotent: true, options: options})
}

// TestWebhookEndpoint: Post a test event now.
// POST /v1/webhook-endpoints/{id}/test
//
// Needs the scope `webhooks:write`.
func (c *Client) TestWebhookEndpoint(ctx context.Context, id string, q TestWebhookEndpointQuery, options ...Option) (*TestAnswer, error) {
	return answer[TestAnswer](ctx, c, &call{method: "POST", path: "/v1/webhook-endpoints/{id}/test", inPath: []string{id}, query: q, options: options})
}

// UpdateWebhookEndpoint: Change an endpoint.
// PATCH /v1/webhook-endpoints/{id}
//
// Needs the scope `webhooks:write`.
func (c *Client) UpdateWebhookEndpoint(ctx context.Context, id string, in *EndpointChangeInput, q UpdateWebhookEndpointQuery, options ...Option) (*Endpoint, error) {
	return answer[Endpoint](ctx, c, &call{method: "PATCH", path: "/v1/webhook-endpoints/{id}", inPath: []string{id}, body: in, query: q, options: options})
}

// VerificationStatistics: Read how verifications went.
// GET /v1/stats/verifications
//
// By prefix: how many were verified, and how fast. Needs the scope `verifications:read`.
func (c *Client) VerificationStatistics(ctx context.Context, q VerificationStatisticsQuery, options ...Option) (*Statistics, error) {
	return answer[Statistics](ctx, c, &call{method: "GET", path: "/v1/stats/verifications", query: q, options: options})
}

// VerifyCode: Compare a code.
// POST /v1/rpc/verifyCode
//
// The same as checkVerification. Needs the scope `verifications:write`.
func (c *Client) VerifyCode(ctx context.Context, in *TypedCodeInput, options ...Option) (*Checked, error) {
	return answer[Checked](ctx, c, &call{method: "POST", path: "/v1/rpc/verifyCode", body: in, options: options})
}

// WithdrawConsent: Note that a person has withdrawn a consent.
// DELETE /v1/consents/{id}
//
// It stays in the ledger with the time. Withdrawing it again changes nothing. Needs the scope `restrictions:write`.
func (c *Client) WithdrawConsent(ctx context.Context, id string, options ...Option) (*Consent, error) {
	return answer[Consent](ctx, c, &call{method: "DELETE", path: "/v1/consents/{id}", inPath: []string{id}, options: options})
}
