package smppload

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestTag(t *testing.T) {
	tags := newTagger(0xC0FFEE, 80)
	text := tags.append(nil, 1234567, 42)
	if len(text) != 80 {
		t.Fatalf("%d octets", len(text))
	}
	if n, from, v := tags.parse(text); n != 1234567 || from != 42 || v != ours {
		t.Fatal(n, from, v)
	}
	if _, _, v := newTagger(1, 80).parse(text); v != foreign {
		t.Error("another run's is ours")
	}
	for i := range text {
		broken := bytes.Clone(text)
		broken[i]++
		if _, _, v := tags.parse(broken); v != altered {
			t.Errorf("octet %d may change", i)
		}
		if _, _, v := tags.parse(text[:i]); v != altered {
			t.Errorf("cut to %d is whole", i)
		}
	}
}

func TestHistogram(t *testing.T) {
	h := new(histogram)
	for i := range 1000 {
		h.add(int64(i+1) * int64(time.Millisecond))
	}
	for p, want := range map[float64]time.Duration{50: 500 * time.Millisecond, 99: 990 * time.Millisecond, 100: time.Second} {
		if got := h.percentile(p); got < want || got > want*104/100 {
			t.Errorf("p%v is %v", p, got)
		}
	}
	if new(histogram).percentile(99) != 0 {
		t.Error("nothing has a percentile")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		v := random.Int64N(1 << random.IntN(maxExponent+1))
		if v >= 1<<maxExponent {
			continue
		}
		if upper := upperOf(bucketOf(v)); upper < v || upper > v+v/32+1 {
			t.Fatalf("%d is up to %d", v, upper)
		}
	}
	h.add(1 << 60)
	h.add(-5)
}

func TestPlanAsCSV(t *testing.T) {
	plan := Generate(5000)
	var text bytes.Buffer
	if err := plan.WriteCSV(&text, "shop", ""); err != nil {
		t.Fatal(err)
	}
	again, err := ReadCSV(&text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Len() != 5000 || again.bindings[4999] != plan.bindings[4999] {
		t.Fatal("another plan")
	}
	text.Reset()
	if err := plan.WriteCSV(&text, "shop", "app"); err != nil {
		t.Fatal(err)
	}
	if again, err = ReadCSV(&text); err != nil || again.bindings[7].to != plan.bindings[7].mask {
		t.Fatal("an account is not written to at the mask", err)
	}
}

func TestCSVOfOthers(t *testing.T) {
	const head = "mask,party,to,present,services,carriers,expires_at\n"
	good := head + "+442079460001,+447700900001,tel:+447700900002,+442079460002,sms+voice,alfa|bravo,\n" +
		"+442079460003,*,tel:+447700900002,+442079460002,sms,,\n" +
		"+442079460004,+447700900001,sip:a@b,+442079460002,sms,,\n" +
		"+442079460005,+447700900001,tel:+447700900002,+442079460002,voice,,\n"
	if p, err := ReadCSV(strings.NewReader(good)); err != nil || p.Len() != 1 || p.bindings[0].to != 447700900002 {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":          "",
		"no mask":        "party,to,present,services\n",
		"nothing usable": head,
		"a name":         head + "abcdefgh,+447700900001,tel:+447700900002,+442079460002,sms,,\n",
		"too long":       head + "1234567890123456,+447700900001,tel:+447700900002,+442079460002,sms,,\n",
		"ragged":         head + "a,b\n",
	} {
		_, err := ReadCSV(strings.NewReader(text))
		if err == nil || strings.Contains(err.Error(), "abcdefgh") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongRunsAreSettledOnTheWay(t *testing.T) {
	b := &book{}
	const messages = 3*chunkSize + 100
	for i := range uint32(messages) {
		b.open(i, 1)
		if i != 5 {
			b.find(i).state.Add(acceptedOne)
		}
		b.find(i).state.Add(answeredOK)
	}
	j := judging{arrivals: true}
	b.settle(2*chunkSize+7, false, j)
	if b.find(2*chunkSize-1) != nil || b.find(2*chunkSize) == nil || b.settled.lost != 1 {
		t.Fatal("not the whole chunks before it")
	}
	b.settle(messages, true, j)
	if b.settled.lost != 1 || b.settled.unanswered > 0 || b.find(messages-1) != nil {
		t.Fatalf("%+v", b.settled)
	}
}

func TestEarlyReceipts(t *testing.T) {
	var ids idBook
	if _, found := ids.receipt([]byte("a")); found {
		t.Fatal("found before its answer")
	}
	ids.receipt([]byte("a"))
	if !ids.answered([]byte("a"), 1) || ids.unpaired() != 1 {
		t.Fatal("the early receipt is not paired once")
	}
	ids.answered([]byte("b"), 2)
	if n, found := ids.receipt([]byte("b")); !found || n != 2 {
		t.Fatal("not found")
	}
}
