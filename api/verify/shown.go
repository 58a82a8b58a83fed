package verify

import (
	"cmp"
	"slices"
	"time"

	"maskline/api/auth"
	"maskline/numberdb"
)

// Verification is a verification as the API shows it. It never holds the code.
type Verification struct {
	ID           string    `json:"id" doc:"Such as ver_0d2k9x4m1qz7c."`
	Tenant       string    `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	Workflow     string    `json:"workflow_id"`
	To           string    `json:"to" doc:"The number, redacted unless the key has pii:read."`
	Status       string    `json:"status" enum:"pending,verified,failed,expired" doc:"How far it has come."`
	Channel      string    `json:"channel" enum:"sms"`
	CodeLength   int       `json:"code_length"`
	CodesSent    int       `json:"codes_sent"`
	AttemptsLeft int       `json:"attempts_left" doc:"Guesses that are left."`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at" doc:"The code is worth nothing from then on."`
	ResendAfter  time.Time `json:"resend_after,omitzero" doc:"When a new code can be asked for; none: no more."`
	Timeline     []Step    `json:"timeline" nullable:"false" doc:"What has happened, oldest first."`
	Livemode     bool      `json:"livemode" doc:"false: of the sandbox."`
}

// Step is a line of a verification's timeline.
type Step struct {
	At      time.Time `json:"at"`
	Status  string    `json:"status" enum:"sending,submitted,delivered,undelivered,expired,rejected,unknown,verified"`
	Message string    `json:"message_id,omitempty" doc:"The message that it is about."`
}

// Checked is the answer to a code that was right.
type Checked struct {
	Success      bool   `json:"success"`
	AttemptsLeft int    `json:"attempts_left"`
	NextStep     string `json:"next_step" enum:"continue" doc:"What to do now."`
}

func shown(v *numberdb.Verification, messages []numberdb.Message, now time.Time, who *auth.Identity) Verification {
	out := Verification{
		ID: v.ID.Text(numberdb.VerificationPrefix), Tenant: v.Tenant, Workflow: v.Workflow.Text(numberdb.WorkflowPrefix), To: v.To.String(),
		Status: v.State.String(), Channel: channelSMS, CodeLength: v.Digits, CodesSent: v.Round, AttemptsLeft: max(v.Most-v.Tries, 0),
		CreatedAt: v.Created, ExpiresAt: v.Expires, Timeline: timeline(v, messages), Livemode: !who.Test,
	}
	if who.May(auth.PIIRead) {
		out.To = v.To.Reveal()
	}
	if v.State != numberdb.VerificationPending {
		return out
	}
	if v.Round < v.Rounds {
		out.ResendAfter = v.NextSend
	} else if !now.Before(v.Expires) {
		out.Status = "expired"
	}
	return out
}

// timeline tells of the messages with the codes and of the right guess.
func timeline(v *numberdb.Verification, messages []numberdb.Message) []Step {
	steps := make([]Step, 0, 3*len(messages)+1)
	for i := range messages {
		m := &messages[i]
		id := m.ID.Text(numberdb.MessagePrefix)
		steps = append(steps, Step{m.Created, "sending", id})
		if !m.Submitted.IsZero() {
			steps = append(steps, Step{m.Submitted, numberdb.MessageSubmitted.String(), id})
		}
		if !m.Ended.IsZero() {
			steps = append(steps, Step{m.Ended, m.State.String(), id})
		}
	}
	if !v.Verified.IsZero() {
		steps = append(steps, Step{At: v.Verified, Status: v.State.String()})
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
	return steps
}

// Workflow is a workflow as the API shows it.
type Workflow struct {
	ID        string    `json:"id" doc:"Such as wfl_0d2k9x4m1qz7c."`
	Tenant    string    `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	Name      string    `json:"name"`
	Template  string    `json:"template"`
	Sender    string    `json:"sender,omitempty" doc:"The mask that writes."`
	Pool      string    `json:"pool,omitempty" doc:"The pool of the masks that write."`
	Channels  []string  `json:"channels" nullable:"false"`
	Length    int       `json:"code_length"`
	TTL       int64     `json:"ttl" doc:"Seconds that a code is good for."`
	Attempts  int       `json:"attempts" doc:"Guesses for one verification."`
	Codes     int       `json:"codes" doc:"Codes for one verification."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func workflowOf(w *numberdb.Workflow) Workflow {
	return Workflow{
		ID: w.ID.Text(numberdb.WorkflowPrefix), Tenant: w.Tenant, Name: w.Name, Template: w.Template, Sender: w.Sender.Reveal(), Pool: w.Pool,
		Channels: w.Channels, Length: w.Digits, TTL: int64(w.TTL / time.Second), Attempts: w.Tries, Codes: w.Sends,
		CreatedAt: w.Created, UpdatedAt: w.Updated,
	}
}

// Statistics are of the verifications of a time.
type Statistics struct {
	Since    time.Time          `json:"since"`
	Until    time.Time          `json:"until"`
	Total    VerificationsSum   `json:"total"`
	Prefixes []VerificationsSum `json:"prefixes" nullable:"false" doc:"By calling code and three digits more."`
}

// VerificationsSum sums up verifications.
type VerificationsSum struct {
	Prefix     string  `json:"prefix,omitempty"`
	Started    int     `json:"started"`
	Verified   int     `json:"verified"`
	Failed     int     `json:"failed" doc:"Whose attempts were used up."`
	Conversion float64 `json:"conversion" doc:"Part of those started that were verified."`
	Average    float64 `json:"seconds_to_verify" doc:"Mean of those verified."`
	Within10   int     `json:"verified_within_10s"`
	Within30   int     `json:"verified_within_30s"`
	Within60   int     `json:"verified_within_1m"`
	Within300  int     `json:"verified_within_5m"`
}

func sumOf(c *numberdb.VerificationCount) VerificationsSum {
	out := VerificationsSum{
		Prefix: c.Prefix, Started: c.Sent, Verified: c.Verified, Failed: c.Failed,
		Within10: c.Within[0], Within30: c.Within[1], Within60: c.Within[2], Within300: c.Within[3],
	}
	if c.Sent > 0 {
		out.Conversion = float64(c.Verified) / float64(c.Sent)
	}
	if c.Verified > 0 {
		out.Average = c.Time.Seconds() / float64(c.Verified)
	}
	return out
}

// statisticsOf adds up by prefix, whoever's they are.
func statisticsOf(counts []numberdb.VerificationCount, since, until time.Time) Statistics {
	out := Statistics{Since: since, Until: until, Prefixes: []VerificationsSum{}}
	byPrefix, total := map[string]*numberdb.VerificationCount{}, numberdb.VerificationCount{}
	var order []string
	for i := range counts {
		sum := byPrefix[counts[i].Prefix]
		if sum == nil {
			sum = &numberdb.VerificationCount{Prefix: counts[i].Prefix}
			byPrefix[sum.Prefix], order = sum, append(order, sum.Prefix)
		}
		for _, to := range []*numberdb.VerificationCount{sum, &total} {
			to.Sent, to.Verified, to.Failed, to.Time = to.Sent+counts[i].Sent, to.Verified+counts[i].Verified, to.Failed+counts[i].Failed, to.Time+counts[i].Time
			for k := range to.Within {
				to.Within[k] += counts[i].Within[k]
			}
		}
	}
	slices.Sort(order)
	for _, prefix := range order {
		out.Prefixes = append(out.Prefixes, sumOf(byPrefix[prefix]))
	}
	out.Total = sumOf(&total)
	return out
}
