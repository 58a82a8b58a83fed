package ledger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"maskline/seal"
)

// cdrVersion is counted up when a field changes its meaning or goes. New fields
// may come without.
const cdrVersion = 1

// CDR is the record of one call: a line of JSON in a file of [CDRs]. It holds the
// masks in clear, and the parties as pseudonyms and sealed.
type CDR struct {
	Version int    `json:"v"`
	ID      string `json:"id"` // as in the logs; the same in a record that was written twice
	Node    string `json:"node"`
	Tenant  string `json:"tenant,omitempty"`
	Order   string `json:"order,omitempty"` // of the call that the edge made to both; none: a caller brought it

	Received Stamp   `json:"received"`          // the INVITE
	Ringing  Stamp   `json:"ringing,omitzero"`  // the caller was told of ringing
	Answered Stamp   `json:"answered,omitzero"` // the caller was told of the answer
	Ended    Stamp   `json:"ended"`
	Talked   float64 `json:"talked"` // seconds from answered to ended

	EndedBy   string `json:"ended_by"`      // caller, callee, edge
	Bye       string `json:"bye,omitempty"` // of an answered call: who hung up, or edge: both were hung up on
	Reason    string `json:"reason"`        // as in the metrics
	Code      int    `json:"code"`          // final SIP status to the caller
	Cause     int    `json:"cause,omitempty"`
	Emergency bool   `json:"emergency,omitempty"`
	Announced string `json:"announced,omitempty"` // announcement that the caller heard in place of a called side

	FromTrunk   string `json:"from_trunk"`
	FromCarrier string `json:"from_carrier,omitempty"`
	ToTrunk     string `json:"to_trunk,omitempty"` // of the last attempt
	ToCarrier   string `json:"to_carrier,omitempty"`
	Mask        string `json:"mask,omitempty"`
	Presented   string `json:"presented,omitempty"`
	Prefix      string `json:"prefix,omitempty"` // the called party's country code

	// The parties as 16 letters: the same for the same number, whichever side.
	CallerHash string `json:"caller,omitempty"`
	CalledHash string `json:"called,omitempty"`
	Sealed     string `json:"sealed,omitempty"` // [Parties]

	Codec string   `json:"codec,omitempty"`
	RTP   *CDRFlow `json:"rtp,omitempty"` // where media was relayed

	Attempts []CDRAttempt `json:"attempts"`

	Parties Parties `json:"-"`
}

// CDRFlow is what the relay took from each side.
type CDRFlow struct {
	Caller  CDRSide `json:"caller"`
	Callee  CDRSide `json:"callee"`
	Dropped uint64  `json:"dropped"`
}

// CDRSide is the RTP from one side.
type CDRSide struct {
	Packets uint64 `json:"packets"`
	Octets  uint64 `json:"octets"` // of RTP, headers included
	Lost    uint64 `json:"lost"`

	Reordered  uint64 `json:"reordered,omitempty"`
	Duplicates uint64 `json:"duplicates,omitempty"`
	Gaps       uint64 `json:"gaps,omitempty"` // that the lost packets make

	Jitter    float64 `json:"jitter_ms,omitempty"`
	RoundTrip float64 `json:"round_trip_ms,omitempty"` // to the side and back
	R         float64 `json:"r,omitempty"`             // E-model
	MOS       float64 `json:"mos,omitempty"`
	OneWay    bool    `json:"one_way,omitempty"` // this side was not heard while the other one sent
}

// CDRAttempt is one seizure of a trunk.
type CDRAttempt struct {
	Trunk    string `json:"trunk"`
	Carrier  string `json:"carrier,omitempty"`
	Leg      string `json:"leg,omitempty"` // caller: to the side that an order calls first
	Outcome  string `json:"outcome"`       // as in the metrics
	Code     int    `json:"code,omitempty"`
	Cause    int    `json:"cause,omitempty"` // Q.850, as the trunk said
	Began    Stamp  `json:"began"`
	Response Stamp  `json:"response,omitzero"` // the first one, 100 included
	Ringing  Stamp  `json:"ringing,omitzero"`  // 180 to 189
	Answered Stamp  `json:"answered,omitzero"`
	Ended    Stamp  `json:"ended"`
}

// Party is a real number or name. It prints redacted.
type Party string

// String shows nothing of the party.
func (Party) String() string { return "…" }

// GoString shows nothing of the party.
func (Party) GoString() string { return "…" }

// Parties are written sealed only.
type Parties struct {
	Caller, Called Party
	Dialled        Party // where that is no mask
}

// Stamp is an instant, written in UTC with milliseconds (RFC 3339).
type Stamp struct{ time.Time }

// MarshalJSON writes the instant.
func (s Stamp) MarshalJSON() ([]byte, error) { return s.append(nil), nil }

// cdrSealer turns records into lines. One goroutine uses it.
type cdrSealer struct {
	parties       *seal.Pseudonyms
	box           *seal.Box
	plain, sealed []byte // buffers
}

func newCDRSealer(key *seal.Key) *cdrSealer {
	return &cdrSealer{parties: key.Pseudonyms("cdr party"), box: key.Box("cdr parties")}
}

// line is a record with its line feed.
func (s *cdrSealer) line(r *CDR) []byte {
	const usual = 1536
	r.Version = cdrVersion
	r.CallerHash, r.CalledHash = s.hash(r.Parties.Caller), s.hash(r.Parties.Called)
	if r.CalledHash == "" {
		r.CalledHash = s.hash(r.Parties.Dialled)
	}
	if r.Parties != (Parties{}) {
		r.Sealed = s.seal(r)
	}
	return append(r.appendJSON(make([]byte, 0, usual)), '\n')
}

func (s *cdrSealer) hash(p Party) string {
	if p == "" {
		return ""
	}
	return s.parties.Of([]byte(p))
}

// CDROpener shows what is sealed in records.
type CDROpener struct{ box *seal.Box }

// NewCDROpener opens with the key that sealed.
func NewCDROpener(key *seal.Key) *CDROpener { return &CDROpener{key.Box("cdr parties")} }

// Open takes a line of a file and returns it with the field parties, in which
// the numbers stand in clear, in place of sealed. All other fields, those of
// later versions too, stay as they are.
func (o *CDROpener) Open(line []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	var id, text string
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, errors.New("the line is no record")
	}
	if json.Unmarshal(fields["id"], &id) != nil {
		return nil, errors.New("the record has no id")
	}
	if fields["sealed"] == nil {
		return line, nil
	}
	if json.Unmarshal(fields["sealed"], &text) != nil {
		return nil, errors.New("the record's sealed part is damaged")
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the record's sealed part is damaged")
	}
	plain, err := o.box.Open(nil, sealed, []byte(id))
	if err != nil {
		return nil, fmt.Errorf("opening a record: %w", err)
	}
	delete(fields, "sealed")
	fields["parties"] = plain
	opened, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("opening a record: %w", err)
	}
	return opened, nil
}
