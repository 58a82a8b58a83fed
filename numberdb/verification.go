package numberdb

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"maskline/e164"
)

// Prefixes of the text forms of their IDs.
const (
	VerificationPrefix = "ver_"
	WorkflowPrefix     = "wfl_"
)

// Workflow says how a tenant verifies the numbers of its own users.
type Workflow struct {
	ID       ID
	Tenant   string
	Name     string // the tenant's own, one of a kind
	Template string // with {code}
	Sender   e164.Number
	Pool     string   // where Sender is none: the pool of the masks that write
	Channels []string // in their order
	Digits   int      // of the code
	TTL      time.Duration
	Tries    int // guesses for one verification
	Sends    int // codes for one verification
	Created  time.Time
	Updated  time.Time
}

// Verification is a proof under way that somebody has a number. Its code is kept
// as a keyed digest, the number sealed.
type Verification struct {
	ID       ID
	Tenant   string
	Workflow ID
	To       e164.Number
	Prefix   string // of To: the calling code and three digits more
	State    VerificationState
	Digits   int
	Round    int // codes sent
	Rounds   int // at most
	Tries    int // guesses counted
	Most     int // at most
	Created  time.Time
	Expires  time.Time // the code is worth nothing from then on
	NextSend time.Time // no other code is sent before
	Verified time.Time // zero: it is not
	Until    time.Time // it is kept
	// Code is a new code to be kept; empty: the one that is kept stays.
	Code string
	// Told are events that ChangeVerification writes with the change; none is of a
	// session.
	Told []Event

	hidden HiddenKey
	vault  *Vault
}

// VerificationState is how far a verification has come.
type VerificationState uint8

// The states.
const (
	VerificationPending VerificationState = iota
	VerificationVerified
	VerificationFailed // nobody can verify it any more
	verificationStates
)

// String is the name in the API.
func (s VerificationState) String() string {
	if s < verificationStates {
		return [verificationStates]string{"pending", "verified", "failed"}[s]
	}
	return "invalid"
}

// Matches reports whether it is the code, in a time that does not tell how much of
// it is right. A verification that was not read from a store has none.
func (v *Verification) Matches(code string) bool {
	if v.vault == nil {
		return false
	}
	hidden := v.vault.hideCode(v.ID, code)
	return hidden.SameRequest(v.hidden[:])
}

// Restore gives the code back that a verification had before.
func (v *Verification) Restore(before *Verification) { v.Code, v.hidden = "", before.hidden }

// Faults of verifications and workflows.
var (
	ErrNoVerification = errors.New("there is no such verification")
	ErrNoWorkflow     = errors.New("there is no such workflow")
	ErrWorkflowName   = errors.New("another workflow has this name")
	ErrPartyLimit     = errors.New("the number was verified too often of late")
	ErrVerification   = errors.New("expected a verification with its own id, a number, a code of 4 to 10 digits, and times")
	ErrWorkflow       = errors.New("expected a workflow with its own id, a name, a template, a sender or a pool, and a time from a second on")
)

// VerificationLimit bounds how often one number is verified for a tenant.
type VerificationLimit struct {
	Since time.Time
	Most  int // 0: no limit
}

// VerificationQuery selects verifications.
type VerificationQuery struct {
	ID     ID
	Tenant string    // of this tenant; empty is the operator's own, AnyTenant are all
	Since  time.Time // created then or later
	To     time.Time // created before; zero: at any time
	After  ID
	Limit  int // default 100, at most 10,000
}

// VerificationCount sums up the verifications of one tenant and prefix.
type VerificationCount struct {
	Tenant   string
	Prefix   string
	Sent     int
	Verified int
	Failed   int
	Within   [len(verifiedWithin)]int // of Verified, in at most so long
	Time     time.Duration            // of all Verified together
}

// verifiedWithin are the bounds of VerificationCount.Within.
var verifiedWithin = [...]time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute}

// VerifiedWithin are the bounds of VerificationCount.Within.
func VerifiedWithin() []time.Duration { return slices.Clone(verifiedWithin[:]) }

// VerificationStore keeps verifications.
type VerificationStore interface {
	// AddVerification keeps a new one, with the attempt if there is one: a *Conflict
	// names a used key. It returns ErrPartyLimit where its number has been verified as
	// often as the limit allows.
	AddVerification(ctx context.Context, v *Verification, limit VerificationLimit, attempt *Attempt) error
	// ChangeVerification lets decide change a tenant's verification, as nobody else
	// does meanwhile; where decide returns false nothing is written. It returns it as it
	// is then, or ErrNoVerification. decide must not wait and may be called again.
	ChangeVerification(ctx context.Context, tenant string, id ID, decide func(v *Verification) bool) (Verification, error)
	// Verifications returns verifications in the order of their IDs.
	Verifications(ctx context.Context, q VerificationQuery) ([]Verification, error)
	// CountVerifications counts those that the query selects, by tenant and prefix.
	CountVerifications(ctx context.Context, q VerificationQuery) ([]VerificationCount, error)
}

// WorkflowStore keeps workflows.
type WorkflowStore interface {
	// PutWorkflow adds or replaces one; ErrWorkflowName where another one of the tenant
	// has its name.
	PutWorkflow(ctx context.Context, w *Workflow) error
	// Workflows returns those of a tenant in the order of their IDs, all of them
	// where tenant is AnyTenant.
	Workflows(ctx context.Context, tenant string) ([]Workflow, error)
	// DeleteWorkflow returns ErrNoWorkflow where the tenant has no such one.
	DeleteWorkflow(ctx context.Context, tenant string, id ID) error
}

// Bounds of codes.
const (
	MinCode     = 4
	MaxCode     = 10
	maxTemplate = 640
	maxRounds   = 100
	maxChannels = 8
)

// Check refuses what no store may hold.
func (v *Verification) Check() error {
	switch {
	case !isOwner(v.Tenant):
		return ErrTenant
	case int64(v.ID) <= 0, int64(v.Workflow) < 0, !v.To.Valid(), v.To.IsShortCode(), v.State >= verificationStates,
		v.Digits < MinCode, v.Digits > MaxCode, v.Code != "" && len(v.Code) != v.Digits, len(v.Prefix) > e164.MaxDigits,
		v.Round < 0, v.Round > maxRounds, v.Rounds > maxRounds, v.Tries < 0, v.Tries > maxRounds, v.Most > maxRounds,
		!isTime(v.Created), !isTime(v.Expires), !isTime(v.Until), !v.NextSend.IsZero() && !isTime(v.NextSend), !v.Verified.IsZero() && !isTime(v.Verified):
		return ErrVerification
	}
	return checkEach("event", v.Told, (*Event).Check)
}

// Check refuses what no store may hold.
func (w *Workflow) Check() error {
	switch {
	case !isOwner(w.Tenant):
		return ErrTenant
	case int64(w.ID) <= 0, !isName(w.Name), w.Template == "", len(w.Template) > maxTemplate, !utf8.ValidString(w.Template),
		w.Sender != 0 && !w.Sender.Valid(), w.Pool != "" && !isName(w.Pool), w.Sender == 0 && w.Pool == "",
		len(w.Channels) > maxChannels, w.Digits < MinCode, w.Digits > MaxCode, w.TTL < time.Second, !isDuration(w.TTL),
		w.Tries < 1, w.Tries > maxRounds, w.Sends < 1, w.Sends > maxRounds, !isTime(w.Created), !isTime(w.Updated):
		return ErrWorkflow
	}
	for _, c := range w.Channels {
		if !isName(c) || strings.Contains(c, "|") {
			return ErrWorkflow
		}
	}
	return nil
}

// StoredVerification is a verification as stores keep it.
type StoredVerification struct {
	ID, Workflow, Party                         int64
	Created, Expires, NextSend, Verified, Until int64
	State, Digits, Round, Rounds, Tries, Most   int16
	Tenant, Prefix                              string
	Code                                        []byte
	Sealed                                      []byte
}

// hideCode hides a code: the store does not show it, and the same code of another
// verification looks different.
func (v *Vault) hideCode(id ID, code string) HiddenKey {
	return v.hide("verification code", id.Text(VerificationPrefix), []byte(code))
}

// StoreVerification makes the stored form.
func (v *Vault) StoreVerification(r *Verification) StoredVerification {
	hidden := r.hidden
	if r.Code != "" {
		hidden = v.hideCode(r.ID, r.Code)
	}
	s := StoredVerification{
		ID: int64(r.ID), Workflow: int64(r.Workflow), Party: int64(v.Tag(r.To)), Created: micros(r.Created), Expires: micros(r.Expires),
		NextSend: micros(r.NextSend), Verified: micros(r.Verified), Until: micros(r.Until), State: int16(r.State), Digits: int16(r.Digits),
		Round: int16(r.Round), Rounds: int16(r.Rounds), Tries: int16(r.Tries), Most: int16(r.Most), Tenant: r.Tenant, Prefix: r.Prefix, Code: hidden[:],
	}
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(r.To))
	s.Sealed = v.content.Seal(nil, number[:], s.place())
	return s
}

// place ties the number to its row. What changes later is not part of it.
func (s *StoredVerification) place() []byte {
	dst := append(make([]byte, 0, 64), "verification"...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.ID))
	return append(dst, s.Tenant...)
}

// DecideVerification lets decide change a verification that was read, and makes its
// stored form; nil: nothing is to be written.
func (v *Vault) DecideVerification(r *Verification, decide func(*Verification) bool) (*StoredVerification, error) {
	if !decide(r) {
		return nil, nil //nolint:nilnil // nothing is to be written, and nothing is wrong
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	stored := v.StoreVerification(r)
	return &stored, nil
}

// OpenVerification reads the stored form.
func (v *Vault) OpenVerification(s *StoredVerification) (Verification, error) {
	plain, err := v.content.Open(nil, s.Sealed, s.place())
	if err != nil || len(plain) != 8 || len(s.Code) != len(HiddenKey{}) {
		return Verification{}, ErrSealed
	}
	r := Verification{
		ID: ID(s.ID), Tenant: s.Tenant, Workflow: ID(s.Workflow), To: e164.Number(binary.BigEndian.Uint64(plain)), Prefix: s.Prefix,
		State: VerificationState(s.State), Digits: int(s.Digits), Round: int(s.Round), Rounds: int(s.Rounds), Tries: int(s.Tries), Most: int(s.Most),
		Created: fromMicros(s.Created), Expires: fromMicros(s.Expires), NextSend: fromMicros(s.NextSend), Verified: fromMicros(s.Verified),
		Until: fromMicros(s.Until), vault: v,
	}
	copy(r.hidden[:], s.Code)
	return r, r.Check()
}
