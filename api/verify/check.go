package verify

import (
	"context"
	"strconv"
	"time"

	"maskline/api/problem"
	"maskline/numberdb"
)

// The next steps that answers name.
const (
	stepContinue   = "continue"
	stepCheckAgain = "check_again"
	stepResend     = "resend"
	stepStartAgain = "start_again"
)

// Check compares a code. The guess is counted durably before it is answered. An
// error is a *problem.Error: code-wrong, code-expired, attempts-exhausted.
func (s *Service) Check(ctx context.Context, tenant string, id numberdb.ID, code string) (numberdb.Verification, error) {
	var said *problem.Error
	v, err := s.store.ChangeVerification(ctx, tenant, id, func(v *numberdb.Verification) (changed bool) {
		now := s.now()
		if said, changed = judge(v, code, now); changed && s.cfg.Told != nil {
			v.Told = s.ended(v, now)
		}
		return changed
	})
	if err != nil {
		return v, s.fault(err)
	}
	if len(v.Told) > 0 {
		s.cfg.Told(v.Tenant)
	}
	if said == nil {
		s.metrics.verified(v.Verified.Sub(v.Created))
		return v, nil
	}
	s.metrics.results.WithLabelValues(string(said.Code)).Inc()
	return v, said
}

// judge counts a guess, where one is left.
func judge(v *numberdb.Verification, code string, now time.Time) (said *problem.Error, changed bool) {
	right := v.Matches(code) // whatever else: its time tells nothing
	switch {
	case v.State == numberdb.VerificationVerified:
		return &problem.Error{Code: problem.CodeExpired, Reason: "used", Detail: "The code was used.", NextStep: stepStartAgain}, false
	case v.State == numberdb.VerificationFailed, v.Tries >= v.Most:
		return &problem.Error{Code: problem.AttemptsExhausted, NextStep: stepStartAgain}, false
	case !now.Before(v.Expires):
		return &problem.Error{Code: problem.CodeExpired, NextStep: afterWrong(v)}, false
	}
	v.Tries++
	if right {
		v.State, v.Verified = numberdb.VerificationVerified, now
		return nil, true
	}
	step := stepCheckAgain
	if v.Tries >= v.Most {
		v.State, step = numberdb.VerificationFailed, stepStartAgain
	}
	return &problem.Error{Code: problem.CodeWrong, Detail: attemptsLeft(v), NextStep: step}, true
}

// Types of the events of guesses.
const (
	eventSucceeded = "verification.succeeded"
	eventFailed    = "verification.failed"
)

// ended tells of a verification that a guess has ended.
func (s *Service) ended(v *numberdb.Verification, now time.Time) []numberdb.Event {
	kind, reason := eventSucceeded, ""
	switch v.State {
	case numberdb.VerificationVerified:
	case numberdb.VerificationFailed:
		kind, reason = eventFailed, `,"reason":"attempts"`
	default:
		return nil
	}
	return []numberdb.Event{{
		ID: s.ids.Next(now), Tenant: v.Tenant, Type: kind, At: now,
		Data: []byte(`{"verification_id":"` + v.ID.Text(numberdb.VerificationPrefix) + `"` + reason + `}`),
	}}
}

func attemptsLeft(v *numberdb.Verification) string {
	switch left := v.Most - v.Tries; left {
	case 0:
		return "No attempts are left."
	case 1:
		return "1 attempt is left."
	default:
		return strconv.Itoa(left) + " attempts are left."
	}
}

func afterWrong(v *numberdb.Verification) string {
	if v.Round < v.Rounds {
		return stepResend
	}
	return stepStartAgain
}

// Resend sends a new code, after which the one before is worth nothing. replayed
// says that the same request has sent it before. Where no carrier takes it, the one
// before is still good.
func (s *Service) Resend(ctx context.Context, tenant string, id numberdb.ID, attempt *numberdb.Attempt) (v numberdb.Verification, replayed bool, err error) {
	if _, replayed, err = s.replayed(ctx, attempt); err != nil {
		return v, false, err
	}
	before, err := s.Get(ctx, tenant, id)
	if err != nil || replayed {
		return before, replayed, err
	}
	v, err = s.resend(ctx, &before, attempt)
	if err == nil {
		s.metrics.results.WithLabelValues("resent").Inc()
	}
	return v, false, err
}

func (s *Service) resend(ctx context.Context, before *numberdb.Verification, attempt *numberdb.Attempt) (v numberdb.Verification, err error) {
	w, err := s.Workflow(ctx, before.Tenant, before.Workflow)
	if err != nil {
		return v, err
	}
	if err := s.numbers.Refuse(ctx, w.Tenant, before.To); err != nil {
		return v, err
	}
	if err := s.pumped(before.Tenant, before.Prefix); err != nil {
		return v, err
	}
	sender, err := s.sender(&w, before.To)
	if err != nil {
		return v, err
	}
	code := newCode(before.Digits)
	var said *problem.Error
	var old numberdb.Verification
	v, err = s.store.ChangeVerification(ctx, before.Tenant, before.ID, func(v *numberdb.Verification) bool {
		now := s.now()
		if said = mayResend(v, now); said != nil {
			return false
		}
		old = *v
		v.Round++
		v.Code, v.Expires, v.NextSend = code, now.Add(w.TTL), now.Add(s.cfg.Spacing<<min(v.Round-1, mostDoublings))
		return true
	})
	switch {
	case err != nil:
		return v, s.fault(err)
	case said != nil:
		return v, said
	}
	if err = s.send(ctx, &v, &w, sender, attempt); err != nil {
		s.sendNothing(context.WithoutCancel(ctx), &v, &old)
	}
	return v, err
}

// mostDoublings bounds the interval of codes to about nine hours with the usual
// spacing.
const mostDoublings = 10

func mayResend(v *numberdb.Verification, now time.Time) *problem.Error {
	switch {
	case v.State == numberdb.VerificationVerified:
		return &problem.Error{Code: problem.CodeExpired, Reason: "used", Detail: "The code was used.", NextStep: stepStartAgain}
	case v.State == numberdb.VerificationFailed, v.Tries >= v.Most, v.Round >= v.Rounds:
		return &problem.Error{Code: problem.AttemptsExhausted, NextStep: stepStartAgain}
	case now.Before(v.NextSend):
		return &problem.Error{Code: problem.RateLimited, Reason: "spacing", RetryAfter: v.NextSend.Sub(now)}
	}
	return nil
}

// sendNothing brings back the code before one that nobody was sent.
func (s *Service) sendNothing(ctx context.Context, v, old *numberdb.Verification) {
	ctx, cancel := context.WithTimeout(ctx, takeBackWithin)
	defer cancel()
	_, err := s.store.ChangeVerification(ctx, v.Tenant, v.ID, func(now *numberdb.Verification) bool {
		if now.Round != v.Round || now.State != numberdb.VerificationPending {
			return false
		}
		now.Restore(old)
		now.Round, now.Expires, now.NextSend = old.Round, old.Expires, old.NextSend
		return true
	})
	if err != nil {
		s.log.Warn("a code that was not sent could not be taken back; another one has to be asked for")
	}
}
