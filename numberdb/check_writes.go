package numberdb

import (
	"errors"
	"fmt"
)

// Faults of Writes as a whole.
var (
	ErrKeyTwice     = errors.New("a binding that is claimed stands in the same writes once more")
	ErrReplaced     = errors.New("what is replaced needs a claim of its key and the session that it was of")
	ErrTooMany      = errors.New("expected at most 1,000,000 rows in one commit")
	ErrAttemptTwice = errors.New("an idempotency key stands in the same writes once more")
)

const maxWrites = 1_000_000

// Check refuses writes that no store may hold. The error names the list and the
// place in it and never a value.
func (w *Writes) Check() error {
	rows := len(w.Bindings) + len(w.Claims) + len(w.Replaced) + len(w.Sessions) + len(w.Attempts) + len(w.Tenants) + len(w.Pools) +
		len(w.Masks) + len(w.Shelved) + len(w.Events) + len(w.Outbox) + len(w.Expired) + len(w.Consents) + len(w.Audit) + len(w.Gone.Sessions) + len(w.Gone.Pools)
	if rows > maxWrites {
		return ErrTooMany
	}
	if err := CheckChanges(w.Bindings); err != nil {
		return err
	}
	for _, err := range [...]error{
		checkEach("claim", w.Claims, (*Binding).Check),
		checkEach("message", w.Messages, (*Message).Check),
		checkEach("report", w.Reports, (*MessageReport).Check),
		checkEach("call", w.Calls, (*Call).Check),
		checkEach("call report", w.CallReports, (*CallReport).Check),
		checkEach("session", w.Sessions, (*Session).Check),
		checkEach("attempt", w.Attempts, (*Attempt).Check),
		checkEach("tenant", w.Tenants, (*Tenant).Check),
		checkEach("pool", w.Pools, (*Pool).Check),
		checkEach("mask", w.Masks, (*Mask).Check),
		checkEach("mask", w.Shelved, (*Mask).Check),
		checkEach("event", w.Events, (*MaskEvent).Check),
		checkEach("outbox", w.Outbox, (*Event).Check),
		checkEach("expiry", w.Expired, (*Expiry).Check),
		checkEach("consent", w.Consents, (*Consent).Check),
		checkEach("audit line", w.Audit, (*AuditLine).Check),
	} {
		if err != nil {
			return err
		}
	}
	if err := w.checkReports(); err != nil {
		return err
	}
	return w.checkTwice()
}

// outbound counts the rows of messages, calls and verifications.
func (w *Writes) outbound() int {
	return len(w.Messages) + len(w.Reports) + len(w.Gone.Messages) + len(w.Gone.Verifications) + len(w.Gone.Attempts) +
		len(w.Calls) + len(w.CallReports) + len(w.Gone.Calls)
}

// checkReports: of two reports of one message a store would not know the later.
func (w *Writes) checkReports() error {
	if w.outbound() > maxWrites {
		return ErrTooMany
	}
	if len(w.Messages)+len(w.Reports) < 2 {
		return nil
	}
	seen := make(map[ID]struct{}, len(w.Messages)+len(w.Reports))
	for i := range w.Messages {
		seen[w.Messages[i].ID] = struct{}{}
	}
	for i := range w.Reports {
		seen[w.Reports[i].ID] = struct{}{}
	}
	if len(seen) < len(w.Messages)+len(w.Reports) {
		return ErrReportTwice
	}
	return nil
}

func checkEach[T any](what string, rows []T, check func(*T) error) error {
	for i := range rows {
		if err := check(&rows[i]); err != nil {
			return fmt.Errorf("%s %d of %d: %w", what, i+1, len(rows), err)
		}
	}
	return nil
}

// checkTwice: the order in which a transaction takes its rows is by key, so two
// wishes for one row would have none.
func (w *Writes) checkTwice() error {
	if len(w.Claims)+len(w.Attempts)+len(w.Replaced) == 0 {
		return nil
	}
	claimed := make(map[BindingKey]struct{}, len(w.Claims))
	for i := range w.Claims {
		claimed[w.Claims[i].Key()] = struct{}{}
	}
	if len(claimed) < len(w.Claims) {
		return ErrKeyTwice
	}
	for i := range w.Bindings {
		if _, taken := claimed[w.Bindings[i].Binding.Key()]; taken {
			return ErrKeyTwice
		}
	}
	for i := range w.Replaced {
		r := &w.Replaced[i]
		if _, wanted := claimed[r.Key]; !wanted || r.Session == 0 {
			return ErrReplaced
		}
	}
	if len(w.Attempts) == 0 {
		return nil
	}
	attempts := make(map[AttemptKey]struct{}, len(w.Attempts))
	for i := range w.Attempts {
		attempts[AttemptKey{w.Attempts[i].Tenant, w.Attempts[i].Key}] = struct{}{}
	}
	if len(attempts) < len(w.Attempts) {
		return ErrAttemptTwice
	}
	return nil
}
