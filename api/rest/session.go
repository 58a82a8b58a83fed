package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"maskline/api/auth"
	"maskline/e164"
	"maskline/numberdb"
)

// Session is a session as the API shows it.
type Session struct {
	ID           string        `json:"id" doc:"Such as ses_0d2k9x4m1qz7c."`
	Tenant       string        `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	Pool         string        `json:"pool" doc:"Where its masks are from."`
	Shape        string        `json:"shape" enum:"per_side,shared,group,public,lease" doc:"How it gives out masks."`
	State        string        `json:"state" enum:"active,expired,released,idle,used_up,burned,rotated" doc:"active, or why it ended."`
	Services     string        `json:"services" enum:"sms,voice,sms+voice" doc:"What it carries."`
	Participants []Participant `json:"participants" nullable:"false" doc:"Its people."`
	CreatedAt    time.Time     `json:"created_at"`
	ExpiresAt    time.Time     `json:"expires_at" doc:"When its masks stop, or stopped."`
	IdleTTL      int64         `json:"idle_ttl,omitempty" doc:"It ends after so many seconds without contact; none: never."`
	MaxUses      int           `json:"max_uses,omitempty" doc:"It ends after so many messages and calls; none: never."`
	Label        string        `json:"label,omitempty" doc:"Your own name for it."`
	Livemode     bool          `json:"livemode" doc:"false: of the sandbox."`
}

// Participant is a person in a session as the API shows it.
type Participant struct {
	Number string `json:"number,omitempty" doc:"The person's own number, redacted unless the key has pii:read."`
	To     string `json:"to,omitempty" doc:"Where the person is reached, if not at the number."`
	Dial   string `json:"dial" doc:"The mask that this person writes to and calls."`
	Second string `json:"second,omitempty" doc:"Another mask that works too, hosted by another carrier."`
}

// sessionOf shows a session at a time. Numbers of people are whole only where the
// caller may see them; masks are the operator's.
func sessionOf(s *numberdb.Session, now time.Time, who *auth.Identity) Session {
	whole := who.May(auth.PIIRead)
	out := Session{
		ID: s.ID.Text(numberdb.SessionPrefix), Tenant: s.Tenant, Pool: s.Pool, Shape: s.Shape.String(), State: s.State(now), Services: s.Services.String(),
		CreatedAt: s.Created.UTC(), ExpiresAt: s.Expires.UTC(), IdleTTL: int64(s.IdleTTL / time.Second), MaxUses: s.MaxUses,
		Label: e164.Redact(s.Label), Participants: make([]Participant, len(s.Participants)), Livemode: !who.Test,
	}
	if whole {
		out.Label = s.Label
	}
	for i := range s.Participants {
		out.Participants[i] = participantOf(&s.Participants[i], whole)
	}
	return out
}

func participantOf(p *numberdb.Participant, whole bool) (out Participant) {
	out.Dial, out.Second = p.Dial.Reveal(), p.Second.Reveal()
	elsewhere := p.To.Kind != numberdb.NoEndpoint && (p.To.Kind != numberdb.Tel || p.To.Number != p.Number)
	if p.Number != 0 {
		if out.Number = p.Number.String(); whole {
			out.Number = p.Number.Reveal()
		}
	}
	if elsewhere {
		if out.To = p.To.String(); whole {
			out.To = p.To.Reveal()
		}
	}
	return out
}

// tagOf is the session's entity tag (RFC 9110 §8.8.3): it changes with whatever a
// change can change. No number of a person goes into it.
func tagOf(s *numberdb.Session) string {
	d := make([]byte, 0, 128)
	for _, word := range [...]int64{int64(s.ID), s.Expires.UnixMicro(), int64(s.Ended), int64(len(s.Participants))} {
		d = binary.BigEndian.AppendUint64(d, uint64(word))
	}
	for i := range s.Participants {
		d = binary.BigEndian.AppendUint64(d, uint64(s.Participants[i].Dial))
		d = binary.BigEndian.AppendUint64(d, uint64(s.Participants[i].Second))
	}
	sum := sha256.Sum256(d)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}
