package smppsim

import (
	"sync"
	"testing"

	"maskline/smpp/pdu"
)

func startNetwork(t *testing.T) (n *Network, taken func() []Message) {
	t.Helper()
	var mu sync.Mutex
	var all []Message
	n, err := StartNetwork(NetworkConfig{
		Name: "test", Password: "secret",
		Outcome: func(to []byte) Outcome {
			switch to[len(to)-1] {
			case '1':
				return Outcome{Status: pdu.RSubmitFail}
			case '2':
				return Outcome{State: pdu.Undeliverable, Code: 27}
			case '3':
				return Outcome{Quiet: true}
			default:
				return Outcome{State: pdu.Delivered}
			}
		},
		Taken: func(m Message) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, m)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n, func() []Message {
		mu.Lock()
		defer mu.Unlock()
		return append([]Message(nil), all...)
	}
}

func TestOutcomesOfANetwork(t *testing.T) {
	n, taken := startNetwork(t)
	esme, err := BindESME(t.Context(), n.Addr(), "shop", "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(esme.Close)
	for to, want := range map[string]pdu.Status{"447700900001": pdu.RSubmitFail, "447700900002": pdu.ROK, "447700900003": pdu.ROK, "447700900004": pdu.ROK} {
		if _, status, err := esme.Submit(t.Context(), "442079460001", to, "x"); err != nil || status != want {
			t.Errorf("%s: %v, status %x", to, err, status)
		}
	}
	if got := taken(); len(got) != 3 {
		t.Errorf("it took %d", len(got))
	}
	eventually(t, "two receipts", func() bool { return len(esme.Receipts()) == 2 })
	states := map[string]pdu.State{}
	for _, r := range esme.Receipts() {
		states[r.Source] = r.State
	}
	if states["447700900002"] != pdu.Undeliverable || states["447700900004"] != pdu.Delivered {
		t.Errorf("the receipts say %v", states)
	}
	if status, err := n.Deliver(t.Context(), "447700900001", "442079460001", "hello"); err != nil || status != pdu.ROK {
		t.Errorf("%v, status %x", err, status)
	}
}

// Whoever does not know the password of a sandbox's network is no edge of it.
func TestStrangersAtANetwork(t *testing.T) {
	n, taken := startNetwork(t)
	if esme, err := BindESME(t.Context(), n.Addr(), "shop", "guess"); err == nil {
		esme.Close()
		t.Error("a wrong password binds")
	}
	if _, err := n.Deliver(t.Context(), "447700900001", "442079460001", "hello"); err == nil {
		t.Error("something was delivered to nobody")
	}
	if len(taken()) != 0 {
		t.Error("it took something")
	}
}
