package webhook

import (
	"encoding/json"
	"time"

	"maskline/numberdb"
)

// Payload is an event as it is told, to endpoints and by the API: ids and words,
// no numbers.
type Payload struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Sequence  int64           `json:"sequence,omitempty"`
	Livemode  bool            `json:"livemode"`
	Data      json.RawMessage `json:"data"`
}

// Mode is where events are from.
type Mode bool

// The modes.
const (
	Live    Mode = false
	Sandbox Mode = true
)

// PayloadOf tells an event.
func PayloadOf(e *numberdb.Event, from Mode) Payload {
	p := Payload{ID: e.ID.Text(numberdb.EventPrefix), Type: e.Type, Timestamp: e.At.UTC(), Sequence: e.Sequence, Livemode: from == Live, Data: e.Data}
	if len(p.Data) < 2 {
		p.Data = json.RawMessage(`{}`)
	}
	if e.Session == 0 {
		return p
	}
	data := append([]byte(`{"session_id":"`), e.Session.Text(numberdb.SessionPrefix)...)
	data = append(data, '"')
	if rest := p.Data[1:]; len(rest) > 1 {
		data = append(append(data, ','), rest...)
	} else {
		data = append(data, '}')
	}
	p.Data = data
	return p
}

// Body is the body of a post: the same with each attempt.
func Body(e *numberdb.Event, from Mode) []byte {
	body, err := json.Marshal(PayloadOf(e, from))
	if err != nil {
		return []byte(`{}`) // not with data that the store has checked
	}
	return body
}
