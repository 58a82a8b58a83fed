package safeguards

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
	"maskline/numberdb"
)

// Audit is the resource /v1/audit.
type Audit struct {
	Store numberdb.AuditStore
}

// AuditLine is a line of the audit as the API shows it.
type AuditLine struct {
	ID      string    `json:"id" doc:"Such as aud_0d2k9x4m1qz7c."`
	Place   uint64    `json:"place" doc:"Its place in the chain, from 1."`
	At      time.Time `json:"at" doc:"When."`
	Node    string    `json:"node" doc:"The edge that did it."`
	Actor   string    `json:"actor" doc:"Who: the id of a key, operator for the command line, edge for the edge itself."`
	Tenant  string    `json:"tenant,omitempty" doc:"Whose; none: the operator's."`
	What    string    `json:"what" doc:"What was done, such as session.created."`
	Subject string    `json:"subject,omitempty" doc:"What it was done to: an id, a name or a mask."`
	Detail  string    `json:"detail,omitempty" doc:"A few words more."`
	Hash    string    `json:"hash" doc:"Keyed hash of the line, its place and the hash of the line before."`
}

// Register adds the operation.
func (a *Audit) Register(api huma.API) {
	list := rest.Operation{
		ID: "listAudit", Method: http.MethodGet, Path: "/v1/audit", Summary: "List who changed what, in the order of the chain", Tag: "audit", Scope: auth.AuditRead,
	}
	list.Text = "A line is in the list within about a second of its change."
	rest.Register(api, list, a.list)
}

type auditInput struct {
	rest.Page
	Tenant  string `query:"tenant" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
	Subject string `query:"subject" maxLength:"64" pattern:"^[^+]*$" patternDescription:"an id or a name" doc:"Of this subject, such as the id of a session."`
}

func (a *Audit) list(ctx context.Context, in *auditInput) (*rest.Answer[rest.List[AuditLine]], error) {
	who := auth.From(ctx)
	q := numberdb.AuditQuery{Tenant: who.Scoped(in.Tenant), Subject: in.Subject, Limit: in.Limit}
	after, err := in.After()
	if err != nil {
		return nil, err
	}
	if after != "" {
		if q.After, err = strconv.ParseUint(after, 10, 63); err != nil {
			return nil, problem.Invalid("query.cursor", "expected the next_cursor of an answer")
		}
	}
	lines, err := a.Store.Audit(ctx, q)
	if err != nil {
		return nil, storeProblem(err)
	}
	list := rest.List[AuditLine]{Data: []AuditLine{}}
	for i := range lines {
		l := &lines[i]
		list.Data = append(list.Data, AuditLine{
			ID: l.ID.Text(numberdb.AuditPrefix), Place: l.Place, At: l.At, Node: l.Node, Actor: l.Actor, Tenant: l.Tenant, What: l.What, Subject: l.Subject,
			Detail: e164.Redact(l.Detail), Hash: hex.EncodeToString(l.Hash[:]),
		})
	}
	if len(lines) == q.Limit {
		list.NextCursor = rest.Next(strconv.FormatUint(lines[len(lines)-1].Place, 10))
	}
	return rest.Answering(list), nil
}
