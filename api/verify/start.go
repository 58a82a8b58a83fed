package verify

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"strings"
	"time"

	"maskline/api/message"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

// Start is a verification to begin. Zero fields stand for what the workflow says.
type Start struct {
	Tenant   string // whose workflows exist for the caller; "*" everybody's
	Workflow numberdb.ID
	To       e164.Number
	Digits   int
	TTL      time.Duration
	Attempt  *numberdb.Attempt
}

// Begin sends the first code. replayed says that the same request has begun it
// before. Any error is a *problem.Error, and nothing is left then.
func (s *Service) Begin(ctx context.Context, b *Start) (v numberdb.Verification, replayed bool, err error) {
	id, replayed, err := s.replayed(ctx, b.Attempt)
	if err != nil {
		return v, false, err
	}
	if replayed {
		v, err = s.Get(ctx, numberdb.AnyTenant, id)
		return v, true, err
	}
	v, err = s.begin(ctx, b)
	s.metrics.started(err)
	return v, false, err
}

func (s *Service) begin(ctx context.Context, b *Start) (v numberdb.Verification, err error) {
	w, err := s.Workflow(ctx, b.Tenant, b.Workflow)
	if err != nil {
		return v, err
	}
	if err := s.numbers.Refuse(ctx, w.Tenant, b.To); err != nil {
		return v, err
	}
	now := s.now()
	v = numberdb.Verification{
		ID: s.ids.Next(now), Tenant: w.Tenant, Workflow: w.ID, To: b.To, Prefix: prefixOf(b.To), Digits: w.Digits,
		Round: 1, Rounds: w.Sends, Most: w.Tries, Created: now, Until: now.Add(s.cfg.Keep), NextSend: now.Add(s.cfg.Spacing),
	}
	if b.Digits != 0 {
		v.Digits = b.Digits
	}
	ttl := w.TTL
	if b.TTL != 0 {
		ttl = b.TTL
	}
	v.Expires, v.Code = now.Add(ttl), newCode(v.Digits)
	if err := s.pumped(v.Tenant, v.Prefix); err != nil {
		return v, err
	}
	sender, err := s.sender(&w, b.To)
	if err != nil {
		return v, err
	}
	if b.Attempt != nil {
		b.Attempt.Response = v.ID
	}
	limit := numberdb.VerificationLimit{Since: now.Add(-time.Hour), Most: s.cfg.PerNumber}
	switch err = s.store.AddVerification(ctx, &v, limit, b.Attempt); {
	case errors.Is(err, numberdb.ErrPartyLimit):
		return v, &problem.Error{Code: problem.RateLimited, Reason: "number", RetryAfter: limitedFor, Detail: "This number was verified too often of late."}
	case err != nil:
		return v, s.fault(err)
	}
	if err = s.send(ctx, &v, &w, sender, nil); err != nil {
		gone := numberdb.Gone{Verifications: []numberdb.ID{v.ID}}
		if a := b.Attempt; a != nil {
			gone.Attempts = []numberdb.AttemptKey{{Tenant: a.Tenant, Key: a.Key}}
		}
		s.takeBack(context.WithoutCancel(ctx), gone)
	}
	return v, err
}

// pumped refuses codes to a prefix where nobody types them in.
func (s *Service) pumped(tenant, prefix string) error {
	if !s.breaker.open(tenant, prefix) {
		return nil
	}
	return &problem.Error{
		Code: problem.RateLimited, Reason: "low_conversion", RetryAfter: s.cfg.Breaker.Settle,
		Detail: "Too few of the codes to numbers like this one were typed in of late.",
	}
}

// limitedFor is when to try again after a limit of one number.
const limitedFor = 10 * time.Minute

// takeBack leaves nothing of what nobody was sent.
func (s *Service) takeBack(ctx context.Context, gone numberdb.Gone) {
	ctx, cancel := context.WithTimeout(ctx, takeBackWithin)
	defer cancel()
	if _, err := s.store.Commit(ctx, &numberdb.Writes{Gone: gone}); err != nil {
		s.log.Warn("a verification whose code was not sent could not be taken back; it expires")
	}
}

const takeBackWithin = 5 * time.Second

// send hands the code to the carriers.
func (s *Service) send(ctx context.Context, v *numberdb.Verification, w *numberdb.Workflow, sender e164.Number, attempt *numberdb.Attempt) error {
	_, err := s.messages.Deliver(ctx, &message.Outgoing{
		Origin: &routing.Origin{Tenant: v.Tenant, Writes: routing.WritesOwn}, From: sender, To: v.To,
		Text: []byte(strings.Replace(w.Template, placeholder, v.Code, 1)), Verification: v.ID, Attempt: attempt,
	})
	return err
}

// sender is the mask that writes to a party: the same one while the pool is the
// same, and none by which the party knows somebody else.
func (s *Service) sender(w *numberdb.Workflow, to e164.Number) (e164.Number, error) {
	masks := s.senders.of(s.now(), senderKey{w.Tenant, w.Sender, w.Pool}, s.numbers.Senders)
	at := uint64(to.Canonical()) * 0x9E3779B97F4A7C15 >> 33
	for i := range masks {
		mask := masks[(int(at)+i)%len(masks)]
		if !s.numbers.Bound(mask, to) && len(s.numbers.Senders(w.Tenant, mask, "")) > 0 { // it may have been leased meanwhile
			return mask, nil
		}
	}
	return 0, &problem.Error{Code: problem.PoolExhausted, Reason: "no_sender", Detail: "The workflow has no mask that may write to this number now."}
}

// newCode is a code of that many digits, each code as likely as any other.
func newCode(digits int) string {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		panic("verify: there is no randomness") // crypto/rand ends the process before
	}
	text := n.String()
	return strings.Repeat("0", digits-len(text)) + text
}

// prefixDigits are those of a prefix after the calling code: enough to tell ranges
// that are pumped, too few to tell a person.
const prefixDigits = 3

func prefixOf(n e164.Number) string {
	digits, code := n.AppendDigits(nil), n.CallingCode()
	return string(digits[:min(len(digits), len(code)+prefixDigits)])
}
