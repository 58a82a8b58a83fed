package storetest

import (
	"testing"

	"maskline/e164"
	"maskline/numberdb"
)

// CommitRealNumbers commits sessions, claims and idempotency keys that are full
// of the numbers, wherever a registry may meet one, and ends some of them.
func CommitRealNumbers(t *testing.T, r numberdb.Registry, numbers []e164.Number) {
	t.Helper()
	var w numberdb.Writes
	for i := 0; i+1 < len(numbers); i += 2 {
		a, b := numbers[i], numbers[i+1]
		s, claims := Session(i), SessionClaims(i)
		s.Participants[0].Number, s.Participants[1].Number = a, b
		s.Participants[0].To = numberdb.Endpoint{Kind: numberdb.SIP, Name: a.Reveal()[1:] + "@pbx.example"}
		s.Participants[1].To = numberdb.Endpoint{Kind: numberdb.Tel, Number: b}
		s.Label = "call " + a.Reveal()
		claims[0].Party, claims[1].Party = a, b
		claims[0].To, claims[1].To = s.Participants[1].To, numberdb.Endpoint{Kind: numberdb.Tel, Number: a}
		if i%3 == 0 {
			s.Shape = numberdb.Group
			s.Participants = append(s.Participants, numberdb.Participant{Number: numbers[(i+17)%len(numbers)], Dial: Mask(5)},
				numberdb.Participant{Number: numbers[(i+18)%len(numbers)], Dial: Mask(5)})
		}
		w.Sessions, w.Claims = append(w.Sessions, s), append(w.Claims, claims...)
		w.Attempts = append(w.Attempts, numberdb.Attempt{
			Tenant: "shop", Key: "order of " + a.Reveal(), Fingerprint: []byte(`{"number":"` + b.Reveal() + `"}`), Response: s.ID, Until: s.Keep,
		})
	}
	for i := range numbers {
		c := Consent(i)
		c.Party, c.Text, c.Method, c.Workflow = numbers[i], "call "+numbers[i].Reveal(), "sms from "+numbers[i].Reveal(), numbers[i].Reveal()[1:]
		w.Consents = append(w.Consents, c)
	}
	Commit(t, r, w)
	for i := range w.Sessions {
		w.Sessions[i].Ended = numberdb.Released
	}
	Commit(t, r, numberdb.Writes{Sessions: w.Sessions})
	if len(Sessions(t, r, numberdb.SessionQuery{Party: numbers[0]})) == 0 {
		t.Fatal("a session is not found by its number")
	}
}
