package message

import (
	"context"
	"encoding/json"
	"strconv"

	"maskline/numberdb"
)

// Types of the events.
const (
	eventStatus             = "message.status"
	eventVerificationSent   = "verification.sent"
	eventVerificationStatus = "verification.status"
)

// statusTold is the data of an event.
type statusTold struct {
	Message      string `json:"message_id"`
	Verification string `json:"verification_id,omitempty"`
	State        string `json:"state"`
	Final        bool   `json:"final,omitempty"`
	Carrier      string `json:"carrier,omitempty"`
	CarrierCode  string `json:"carrier_code,omitempty"`
}

// events adds to reports what they change, as far as the store knows now. What two
// edges tell of one message at once is told once.
func (w *writer) events(ctx context.Context, writes *numberdb.Writes) error {
	if w.told == nil {
		return nil
	}
	ids := make([]numberdb.ID, len(writes.Reports))
	for i := range writes.Reports {
		ids[i] = writes.Reports[i].ID
	}
	found, err := w.store.Messages(ctx, numberdb.MessageQuery{IDs: ids, Tenant: numberdb.AnyTenant, Limit: len(ids)})
	if err != nil {
		return err
	}
	known := make(map[numberdb.ID]*numberdb.Message, len(found))
	for i := range found {
		known[found[i].ID] = &found[i]
	}
	for i := range writes.Reports {
		r := &writes.Reports[i]
		m := known[r.ID]
		if m == nil || r.State <= m.State || m.State.Final() {
			continue
		}
		if m.Verification != 0 && m.State < numberdb.MessageSubmitted && r.State > numberdb.MessageSubmitted { // its receipt was faster
			writes.Outbox = append(writes.Outbox, w.event(m, &numberdb.MessageReport{State: numberdb.MessageSubmitted, At: r.At, Carrier: r.Carrier}))
		}
		writes.Outbox = append(writes.Outbox, w.event(m, r))
	}
	return nil
}

func (w *writer) event(m *numberdb.Message, r *numberdb.MessageReport) numberdb.Event {
	data := statusTold{Message: m.ID.Text(numberdb.MessagePrefix), State: r.State.String(), Final: r.State.Final(), Carrier: r.Carrier}
	if r.Code != 0 {
		data.CarrierCode = strconv.Itoa(r.Code)
	}
	kind := eventStatus
	if m.Verification != 0 {
		data.Verification = m.Verification.Text(numberdb.VerificationPrefix)
		if kind = eventVerificationStatus; r.State == numberdb.MessageSubmitted {
			kind = eventVerificationSent
		}
	}
	text, err := json.Marshal(&data)
	if err != nil {
		text = nil // not with words alone
	}
	return numberdb.Event{
		ID: w.ids.Next(r.At), Tenant: m.Tenant, Type: kind, Session: m.Session, At: r.At, Data: text,
		Once: "message " + m.ID.Text("") + " " + strconv.Itoa(int(r.State)),
	}
}
