package numberdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Message is a short message that the edge has written for a tenant. Neither its
// text nor the number of a person is kept.
type Message struct {
	ID           ID
	Tenant       string
	Session      ID // through which it went; none: it went through none
	Verification ID // whose code it holds; none: it holds none
	State        MessageState
	Segments     int    // on the air; 0: not known yet
	Carrier      string // that has it, or may have it; empty: none, or no carrier takes part
	Code         int    // the network's error code; 0: none
	Tries        []MessageTry
	Created      time.Time
	Submitted    time.Time // a carrier has accepted it; zero: none has
	Ended        time.Time // it came into a final state; zero: it has not
	Until        time.Time // it is kept
}

// MessagePrefix is of the text form of a message's ID.
const MessagePrefix = "msg_"

// MessageState is how far a message has come.
type MessageState uint8

// The states. A message goes on to greater ones only, and stays in a final one.
const (
	MessageAccepted    MessageState = iota // taken on, and handed to no carrier yet
	MessageUncertain                       // handed on, and not answered in time
	MessageSubmitted                       // a carrier has it
	MessageDelivered                       // the first of the final ones
	MessageUndelivered                     // the network could not deliver it
	MessageExpired                         // it could not in time
	MessageRejected                        // refused: by a rule, by every carrier, or by the network
	MessageLost                            // the network cannot say what became of it
	messageStates
)

var messageStateNames = [messageStates]string{
	"accepted", "unknown", "submitted", "delivered", "undelivered", "expired", "rejected", "unknown",
}

// String is the name in the API; two states are called unknown there.
func (s MessageState) String() string {
	if s < messageStates {
		return messageStateNames[s]
	}
	return "invalid"
}

// Final reports whether the state is the last one.
func (s MessageState) Final() bool { return s >= MessageDelivered }

// MessageTry is an attempt to hand a message to a carrier.
type MessageTry struct {
	Carrier string
	Status  uint32 // command_status; 0 is an acceptance
	Silent  bool   // it was not answered in time
}

// MessageReport is news of a message. Zero fields change nothing. What is older
// than what the store knows changes no state.
type MessageReport struct {
	ID       ID
	State    MessageState
	At       time.Time
	Segments int
	Carrier  string
	Code     int
	Tries    []MessageTry
}

// MessageStore reads messages; Writes add and change them.
type MessageStore interface {
	// Messages returns messages in the order of their IDs, at most query.Limit.
	Messages(ctx context.Context, query MessageQuery) ([]Message, error)
}

// MessageQuery selects messages; zero fields select all, but for Tenant.
type MessageQuery struct {
	ID           ID     // this one
	IDs          []ID   // one of these, at most 10,000
	Tenant       string // of this tenant; empty is the operator's own, AnyTenant are all
	Session      ID     // through this session
	Verification ID     // with a code of this verification
	Open         bool   // that no carrier has answered
	Before       ID     // less than
	After        ID     // greater than
	Limit        int    // default 100, at most 10,000
}

// Faults of messages.
var (
	ErrMessage     = errors.New("expected a message with its own id, times, and names of carriers of at most 64 printable characters")
	ErrReportTwice = errors.New("a message stands in the same writes once more")
)

const (
	maxTries    = 32
	maxSegments = 1 << 14
)

// Check refuses what no store may hold.
func (m *Message) Check() error {
	switch {
	case !isOwner(m.Tenant):
		return ErrTenant
	case int64(m.ID) <= 0, int64(m.Session) < 0, int64(m.Verification) < 0, m.State >= messageStates, !isTime(m.Created), !isTime(m.Until),
		!m.Submitted.IsZero() && !isTime(m.Submitted), !m.Ended.IsZero() && !isTime(m.Ended):
		return ErrMessage
	}
	return checkSending(m.Segments, m.Code, m.Carrier, m.Tries)
}

// Check refuses what no store may hold.
func (r *MessageReport) Check() error {
	if int64(r.ID) <= 0 || r.State >= messageStates || !isTime(r.At) {
		return ErrMessage
	}
	return checkSending(r.Segments, r.Code, r.Carrier, r.Tries)
}

func checkSending(segments, code int, carrier string, tries []MessageTry) error {
	if segments < 0 || segments > maxSegments || code < 0 || code > 1<<16 || carrier != "" && !isName(carrier) || len(tries) > maxTries {
		return ErrMessage
	}
	for i := range tries {
		if !isName(tries[i].Carrier) {
			return ErrMessage
		}
	}
	return nil
}

// TriesText is the form of tries in stores: one to a line, the status in
// hexadecimal or "-" where it was silent, and the carrier.
func TriesText(tries []MessageTry) string {
	var b strings.Builder
	for i := range tries {
		if i > 0 {
			b.WriteByte('\n')
		}
		if tries[i].Silent {
			b.WriteByte('-')
		} else {
			b.WriteString(strconv.FormatUint(uint64(tries[i].Status), 16))
		}
		b.WriteByte(' ')
		b.WriteString(tries[i].Carrier)
	}
	return b.String()
}

// ParseTries reads what TriesText writes.
func ParseTries(text string) (tries []MessageTry, err error) {
	if text == "" {
		return nil, nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		status, carrier, found := strings.Cut(line, " ")
		try := MessageTry{Carrier: carrier, Silent: status == "-"}
		if !try.Silent {
			n, err := strconv.ParseUint(status, 16, 32)
			if err != nil || !found {
				return nil, fmt.Errorf("reading the attempts of a message: %w", ErrMessage)
			}
			try.Status = uint32(n)
		}
		tries = append(tries, try)
	}
	return tries, nil
}

// StoredMessage is a message as stores keep it; times are microseconds since 1970,
// 0 where there is none.
type StoredMessage struct {
	ID, Session, Verification         int64
	Tenant, Carrier, Tries            string
	State, Segments                   int16
	Code                              int32
	Created, Submitted, Ended, Expiry int64
}

// Stored is the stored form.
func (m *Message) Stored() StoredMessage {
	return StoredMessage{
		ID: int64(m.ID), Session: int64(m.Session), Verification: int64(m.Verification), Tenant: m.Tenant, Carrier: m.Carrier,
		Tries: TriesText(m.Tries), State: int16(m.State), Segments: int16(m.Segments), Code: int32(m.Code),
		Created: micros(m.Created), Submitted: micros(m.Submitted), Ended: micros(m.Ended), Expiry: micros(m.Until),
	}
}

// Message reads the stored form.
func (s *StoredMessage) Message() (Message, error) {
	tries, err := ParseTries(s.Tries)
	if err != nil {
		return Message{}, err
	}
	m := Message{
		ID: ID(s.ID), Session: ID(s.Session), Verification: ID(s.Verification), Tenant: s.Tenant, Carrier: s.Carrier, Tries: tries,
		State: MessageState(s.State), Segments: int(s.Segments), Code: int(s.Code),
		Created: fromMicros(s.Created), Submitted: fromMicros(s.Submitted), Ended: fromMicros(s.Ended), Until: fromMicros(s.Expiry),
	}
	return m, m.Check()
}
