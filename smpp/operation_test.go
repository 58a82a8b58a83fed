package smpp

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// ask sends a query_sm, cancel_sm or replace_sm.
func (w *wire) ask(t testing.TB, c pdu.Command, id, source string) {
	t.Helper()
	from := pdu.Address{TON: 1, NPI: 1, Digits: []byte(source)}
	var out []byte
	var err error
	switch c {
	case pdu.QuerySM:
		out, err = (&pdu.Query{MessageID: []byte(id), Source: from}).Append(nil, w.sequence())
	case pdu.CancelSM:
		out, err = (&pdu.Cancel{MessageID: []byte(id), Source: from, Destination: pdu.Address{Digits: []byte(maskOfBob)}}).Append(nil, w.sequence())
	default:
		out, err = (&pdu.Replace{MessageID: []byte(id), Source: from, ShortMessage: []byte("new")}).Append(nil, w.sequence())
	}
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, out)
}

// respondEmpty answers with a header alone.
func (w *wire) respondEmpty(t testing.TB, f frame, s pdu.Status) {
	t.Helper()
	w.write(t, pdu.AppendHeader(nil, f.Command.Response(), s, f.Sequence))
}

const uuid = "0F8fad5b-d9cb-469f-a165-70867728950E"

// The carrier hears its own id and the mask; the account hears ours.
func TestQueryIsRelayed(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, uuid)
	shop.ask(t, pdu.QuerySM, id, alice)
	f := carrier.expect(t, pdu.QuerySM, pdu.ROK)
	var q pdu.Query
	if err := q.Decode(f.body); err != nil {
		t.Fatal(err)
	}
	if string(q.MessageID) != uuid || string(q.Source.Digits) != maskOfAlice || q.Source.TON != 1 {
		t.Fatalf("the carrier is asked about another message, or by another source")
	}
	answer := pdu.QueryResp{MessageID: []byte(uuid), FinalDate: []byte("261122011500000+"), State: pdu.Delivered, ErrorCode: 3}
	out, err := answer.Append(nil, pdu.ROK, f.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	carrier.write(t, out)
	got := shop.expect(t, pdu.QuerySMResp, pdu.ROK)
	var r pdu.QueryResp
	if err := r.Decode(got.Status, got.body); err != nil {
		t.Fatal(err)
	}
	if string(r.MessageID) != id || r.State != pdu.Delivered || r.ErrorCode != 3 || string(r.FinalDate) != "261122011500000+" || got.Sequence != shop.last {
		t.Errorf("got %s %+v", r.MessageID, r)
	}
}

func TestCancelIsRelayed(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
	shop.ask(t, pdu.CancelSM, id, alice)
	f := carrier.expect(t, pdu.CancelSM, pdu.ROK)
	var x pdu.Cancel
	if err := x.Decode(f.body); err != nil {
		t.Fatal(err)
	}
	if string(x.MessageID) != "0A1" || string(x.Source.Digits) != maskOfAlice || len(x.Destination.Digits) != 0 {
		t.Error("the carrier is asked to cancel another message")
	}
	carrier.respondEmpty(t, f, pdu.ROK)
	shop.expect(t, pdu.CancelSMResp, pdu.ROK)
}

func TestReplaceIsRelayed(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
	shop.ask(t, pdu.ReplaceSM, id, alice)
	f := carrier.expect(t, pdu.ReplaceSM, pdu.ROK)
	var r pdu.Replace
	if err := r.Decode(f.body); err != nil {
		t.Fatal(err)
	}
	if string(r.MessageID) != "0A1" || string(r.Source.Digits) != maskOfAlice || string(r.ShortMessage) != "new" || r.RegisteredDelivery != pdu.RegisteredBoth {
		t.Error("the carrier is asked to replace another message, or by another text")
	}
	carrier.respondEmpty(t, f, pdu.ROK)
	shop.expect(t, pdu.ReplaceSMResp, pdu.ROK)
}

// Nobody learns of, or touches, a message that is not theirs.
func TestOperationsOnMessagesOfOthers(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
	unasked := submitFor(t, shop, carrier, 0, "0A2")
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	receiver := bound(t, b.addr, pdu.BindReceiver, "shop")
	for _, c := range []struct {
		name       string
		from       *wire
		id, source string
		want       pdu.Status
	}{
		{"unknown id", shop, "12345", alice, pdu.RInvMsgID},
		{"no id", shop, "", alice, pdu.RInvMsgID},
		{"no number", shop, "0A1", alice, pdu.RInvMsgID},
		{"id beyond numbers", shop, strings.Repeat("9", 64), alice, pdu.RInvMsgID},
		{"another account", outlet, id, alice, pdu.RInvMsgID},
		{"another source", shop, id, bob, pdu.RInvSrcAdr},
		{"a message without a receipt", shop, unasked, alice, pdu.RInvMsgID},
		{"a receiver", receiver, id, alice, pdu.RInvBndSts},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, command := range []pdu.Command{pdu.QuerySM, pdu.CancelSM, pdu.ReplaceSM} {
				c.from.ask(t, command, c.id, c.source)
				c.from.expect(t, command.Response(), c.want)
			}
		})
	}
	carrier.ask(t, pdu.QuerySM, id, alice)
	carrier.expect(t, pdu.QuerySMResp, pdu.RInvBndSts)
}

func TestOperationStatuses(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
	own := map[pdu.Command]pdu.Status{pdu.QuerySM: pdu.RQueryFail, pdu.CancelSM: pdu.RCancelFail, pdu.ReplaceSM: pdu.RReplaceFail}
	for command, failed := range own {
		for _, c := range []struct {
			name string
			nack bool
			from pdu.Status
			want pdu.Status
		}{
			{"unknown there", false, pdu.RInvMsgID, pdu.RInvMsgID},
			{"failed", false, failed, failed},
			{"throttled", false, pdu.RThrottled, pdu.RThrottled},
			{"queue full", false, pdu.RMsgQFul, pdu.RThrottled},
			{"system error", false, pdu.RSysErr, pdu.RSysErr},
			{"source refused", false, pdu.RInvSrcAdr, failed},
			{"not supported", false, pdu.RInvCmdID, failed},
			{"nack", true, pdu.RInvCmdID, failed},
			{"nack without a status", true, pdu.ROK, failed},
		} {
			t.Run(commandName(commandIndex(command))+" "+c.name, func(t *testing.T) {
				shop.ask(t, command, id, alice)
				f := carrier.expect(t, command, pdu.ROK)
				if c.nack {
					carrier.write(t, pdu.AppendHeader(nil, pdu.GenericNack, c.from, f.Sequence))
				} else {
					carrier.respondEmpty(t, f, c.from)
				}
				shop.expect(t, command.Response(), c.want)
			})
		}
	}
}

func TestOperationsThatGetNoAnswer(t *testing.T) {
	t.Run("silent carrier", func(t *testing.T) {
		_, shop, carrier := relayTo(t, func(c *Config) { c.AnswerWithin = 300 * time.Millisecond })
		id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
		shop.ask(t, pdu.QuerySM, id, alice)
		late := carrier.expect(t, pdu.QuerySM, pdu.ROK)
		shop.expect(t, pdu.QuerySMResp, pdu.RSysErr)
		carrier.respondEmpty(t, late, pdu.RQueryFail) // answers nothing any more
		shop.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 99))
		shop.expect(t, pdu.EnquireLinkResp, pdu.ROK)
	})
	t.Run("lost link", func(t *testing.T) {
		_, shop, carrier := relayTo(t, nil)
		id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
		shop.ask(t, pdu.CancelSM, id, alice)
		carrier.expect(t, pdu.CancelSM, pdu.ROK)
		carrier.conn.Close()
		shop.expect(t, pdu.CancelSMResp, pdu.RSysErr)
	})
	t.Run("too many", func(t *testing.T) {
		_, shop, carrier := relayTo(t, nil)
		id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "0A1")
		for range maxOperations + 1 {
			shop.ask(t, pdu.QuerySM, id, alice)
		}
		shop.expect(t, pdu.QuerySMResp, pdu.RSysErr)
	})
	t.Run("an id that is too long to be kept", func(t *testing.T) {
		_, shop, carrier := relayTo(t, nil)
		id := submitFor(t, shop, carrier, pdu.RegisteredBoth, strings.Repeat("x", maxKeptID+1))
		shop.ask(t, pdu.QuerySM, id, alice)
		shop.expect(t, pdu.QuerySMResp, pdu.RQueryFail)
	})
}

// Ids are an SMSC's own: of two at one carrier the right one is asked.
func TestTheSMSCThatHasTheMessageIsAsked(t *testing.T) {
	one, two := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	alfa := carrierAt("alfa", one.addr())
	alfa.Binds = append(alfa.Binds, carrierAt("alfa", two.addr()).Binds...)
	alfa.Binds[0].Backup = true
	cfg.Carriers = []CarrierConfig{alfa}
	b := startEdge(t, cfg)
	other, holder := one.bind(t), two.bind(t)
	eventually(t, "both are bound", func() bool { return b.metric(t, "binds", "state", "bound") == 2 })
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	id := submitFor(t, shop, holder, pdu.RegisteredBoth, "0A1")
	shop.ask(t, pdu.CancelSM, id, alice)
	holder.respondEmpty(t, holder.expect(t, pdu.CancelSM, pdu.ROK), pdu.ROK)
	shop.expect(t, pdu.CancelSMResp, pdu.ROK)
	holder.conn.Close()
	two.stop()
	eventually(t, "one is left", func() bool { return b.metric(t, "binds", "state", "bound") == 2 })
	shop.ask(t, pdu.CancelSM, id, alice)
	shop.expect(t, pdu.CancelSMResp, pdu.RSysErr)
	_ = other
}

// Submissions that come in another order than their ids are found all the same.
func TestFindInDisorder(t *testing.T) {
	const n, block = 4096, 256
	j := testJoiner(n)
	source := rand.New(rand.NewPCG(1, 2))
	for begin := 0; begin < n; begin += block {
		for _, k := range source.Perm(block) {
			j.add(submission{key: joinKey{uint64(begin + k)}, local: uint64(begin + k), at: 1})
		}
	}
	for i := range uint64(n) {
		if s, ok := j.find(i); !ok || s.local != i {
			t.Fatalf("%d is not found", i)
		}
	}
	if _, ok := j.find(n + 1); ok {
		t.Error("found what is not there")
	}
}

func alertOf(t testing.TB, party, mask string) []byte {
	t.Helper()
	out, err := (&pdu.Alert{
		Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(party)}, ESME: pdu.Address{TON: 1, NPI: 1, Digits: []byte(mask)},
		TLVs: pdu.AppendTLV(pdu.AppendTLV(nil, tagMSAvailability, []byte{0}), 0x1401, []byte(party)),
	}).Append(nil, 5)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An alert reaches the account behind the mask, and tells it masks alone.
func TestAlertIsPassedOn(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	carrier.write(t, alertOf(t, bob, maskShop))
	f := shop.expect(t, pdu.AlertNotification, pdu.ROK)
	var got pdu.Alert
	if err := got.Decode(f.body); err != nil {
		t.Fatal(err)
	}
	if string(got.Source.Digits) != maskOfAlice || string(got.ESME.Digits) != maskShop || len(got.TLVs) != 5 {
		t.Error("the addresses are not the masked ones, or more TLVs passed")
	}
	carrier.write(t, alertOf(t, alice, maskOfBob)) // leads to a number, not to an account
	carrier.write(t, alertOf(t, bob, carol))       // no mask
	carrier.write(t, pdu.AppendHeader(nil, pdu.AlertNotification, pdu.ROK, 6))
	eventually(t, "the others are counted", func() bool { return b.metric(t, "alerts_total", "outcome", "dropped") == 3 })
	if n := b.metric(t, "alerts_total", "outcome", "passed"); n != 1 {
		t.Errorf("%v passed", n)
	}
}

// The table of the documentation is what the code does.
func TestDocsOfOperations(t *testing.T) {
	rows := docsTable(t, "## Other operations")
	if len(rows) != 3 {
		t.Fatalf("%d operations are documented", len(rows))
	}
	for i, c := range []pdu.Command{pdu.QuerySM, pdu.CancelSM, pdu.ReplaceSM} {
		if rows[i][0] != commandName(commandIndex(c)) {
			t.Errorf("row %d is %q", i, rows[i][0])
		}
	}
}

func TestDocsOfTLSReasons(t *testing.T) {
	page := docsTable(t, "password. A handshake that fails has one of these reasons in `maskline_smpp_tls_failures_total`, in the log and, for our\nown binds, in `reason` of `/readyz`:")
	documented := map[string]bool{}
	for _, row := range page {
		for name := range strings.SplitSeq(row[0], ",") {
			documented[strings.Trim(name, " `")] = true
		}
	}
	for f := range tlsFaults {
		if !documented[f.String()] {
			t.Errorf("%v is not documented", f)
		}
	}
	if len(documented) != int(tlsFaults) {
		t.Errorf("%d are documented, there are %d", len(documented), tlsFaults)
	}
}
