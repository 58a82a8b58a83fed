package numberdb

import (
	"context"
	"errors"
	"time"
)

// Call is a call that the edge makes to both participants of a session, the first one
// first. No number of a person is kept.
type Call struct {
	ID        ID
	Tenant    string
	Session   ID
	Node      string // of the edge that makes it
	State     CallState
	Outcome   CallOutcome
	Leg       CallLeg   // that was being called last
	Reason    string    // of the end, a word of the records; empty: it has not ended
	Created   time.Time // and in the text of the API, requested
	Answered  time.Time // by the first one; zero: not
	Connected time.Time // zero: not
	Ended     time.Time // zero: not
	Until     time.Time // it is kept
}

// CallPrefix is of the text form of a call's ID.
const CallPrefix = "cal_"

// CallState is how far a call has come.
type CallState uint8

// The states. A call goes on to greater ones only.
const (
	CallCalling    CallState = iota // the first one is being called
	CallRinging                     // the first one's phone rings
	CallConnecting                  // the first one has answered, and the second is being called
	CallConnected
	CallEnded
	callStates
)

var callStateNames = [callStates]string{"calling", "ringing", "connecting", "connected", "ended"}

// String is the name in the API.
func (s CallState) String() string {
	if s < callStates {
		return callStateNames[s]
	}
	return "invalid"
}

// CallOutcome is how a call ended.
type CallOutcome uint8

// The outcomes.
const (
	CallPending   CallOutcome = iota // it has not ended
	CallCompleted                    // both have talked
	CallNoAnswer
	CallBusy
	CallDeclined
	CallUnreachable // no carrier reached the leg, or its network does not know it
	CallCancelled   // by whoever asked for it, or by the first one hanging up
	CallRefused     // a rule does not allow the leg any more
	CallFailed      // a fault, or the edge ended it
	CallLost        // the edge ended without telling: nobody knows
	callOutcomes
)

var callOutcomeNames = [callOutcomes]string{
	"pending", "completed", "no_answer", "busy", "declined", "unreachable", "cancelled", "refused", "failed", "unknown",
}

// String is the name in the API.
func (o CallOutcome) String() string {
	if o < callOutcomes {
		return callOutcomeNames[o]
	}
	return "invalid"
}

// CallLeg is one of the two people in a call.
type CallLeg uint8

// The legs.
const (
	FirstLeg CallLeg = iota
	SecondLeg
)

// String is the name in the API.
func (l CallLeg) String() string { return [...]string{"first", "second"}[l&1] }

// CallReport is news of a call. What is older than what the store knows changes no
// state.
type CallReport struct {
	ID      ID
	State   CallState
	At      time.Time
	Outcome CallOutcome // with CallEnded
	Leg     CallLeg     // with CallEnded
	Reason  string      // with CallEnded
}

// CallStore reads calls; Writes add and change them.
type CallStore interface {
	// Calls returns calls in the order of their IDs, at most query.Limit.
	Calls(ctx context.Context, query CallQuery) ([]Call, error)
	// PurgeCalls deletes calls that are kept no longer, at most limit.
	PurgeCalls(ctx context.Context, now time.Time, limit int) (deleted int, err error)
}

// CallQuery selects calls; zero fields select all, but for Tenant.
type CallQuery struct {
	ID      ID     // this one
	Tenant  string // of this tenant; empty is the operator's own, AnyTenant are all
	Session ID     // of this session
	Node    string // made by this edge
	Open    bool   // that have not ended
	After   ID     // greater than
	Limit   int    // default 100, at most 10,000
}

// ErrCall says that a call is not one that a store may hold.
var ErrCall = errors.New("expected a call with its own id, session and times, and a word as its reason")

// Check refuses what no store may hold.
func (c *Call) Check() error {
	switch {
	case c.Tenant != "" && !isName(c.Tenant):
		return ErrTenant
	case int64(c.ID) <= 0, int64(c.Session) <= 0, c.State >= callStates, c.Outcome >= callOutcomes, c.Leg > SecondLeg,
		c.Node == "" || !isName(c.Node), c.Reason != "" && !isName(c.Reason), !isTime(c.Created), !isTime(c.Until),
		!c.Answered.IsZero() && !isTime(c.Answered), !c.Connected.IsZero() && !isTime(c.Connected), !c.Ended.IsZero() && !isTime(c.Ended):
		return ErrCall
	}
	return nil
}

// Check refuses what no store may hold.
func (r *CallReport) Check() error {
	if int64(r.ID) <= 0 || r.State >= callStates || r.Outcome >= callOutcomes || r.Leg > SecondLeg || r.Reason != "" && !isName(r.Reason) || !isTime(r.At) {
		return ErrCall
	}
	return nil
}

// StoredCall is a call as stores keep it; times are microseconds since 1970, 0 where
// there is none.
type StoredCall struct {
	ID, Session                                  int64
	Tenant, Node, Reason                         string
	State, Outcome, Leg                          int16
	Created, Answered, Connected, Ended, Expires int64
}

// Stored is the stored form.
func (c *Call) Stored() StoredCall {
	return StoredCall{
		ID: int64(c.ID), Session: int64(c.Session), Tenant: c.Tenant, Node: c.Node, Reason: c.Reason,
		State: int16(c.State), Outcome: int16(c.Outcome), Leg: int16(c.Leg),
		Created: micros(c.Created), Answered: micros(c.Answered), Connected: micros(c.Connected), Ended: micros(c.Ended), Expires: micros(c.Until),
	}
}

// Call reads the stored form.
func (s *StoredCall) Call() (Call, error) {
	c := Call{
		ID: ID(s.ID), Session: ID(s.Session), Tenant: s.Tenant, Node: s.Node, Reason: s.Reason,
		State: CallState(s.State), Outcome: CallOutcome(s.Outcome), Leg: CallLeg(s.Leg),
		Created: fromMicros(s.Created), Answered: fromMicros(s.Answered), Connected: fromMicros(s.Connected), Ended: fromMicros(s.Ended), Until: fromMicros(s.Expires),
	}
	return c, c.Check()
}
