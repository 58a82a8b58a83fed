package main

import (
	"context"

	"maskline/configs"
	"maskline/ledger"
	"maskline/smpp"
	"maskline/smpp/pdu"
)

func ledgerConfig(cfg *configs.Config) ledger.Config {
	return ledger.Config{Dir: string(cfg.DataDir), HeldFor: cfg.SMPP.ReceiptsHold}
}

// journal is the ledger in the words of smpp, which may not import it.
type journal struct{ ledger *ledger.Ledger }

// Sent notes a submission behind.
func (j *journal) Sent(s smpp.Submission) {
	j.ledger.Sent(ledger.Submission{
		Carrier: s.Carrier, RemoteID: s.RemoteID, LocalID: s.LocalID, Account: s.Account,
		Source: ledger.Address(s.Source), Destination: ledger.Address(s.Destination),
		Wants: s.Wants, At: s.At, Final: s.Final,
	})
}

// Hold makes a receipt durable.
func (j *journal) Hold(r smpp.HeldReceipt, done func(error)) {
	j.ledger.Hold(ledger.HeldReceipt{
		ID: r.ID, Account: r.Account, LocalID: r.LocalID,
		Source: ledger.Address(r.Source), Destination: ledger.Address(r.Destination),
		State: byte(r.State), NetworkType: r.NetworkType, ErrorCode: r.ErrorCode, ErrorWord: r.ErrorWord,
		Submitted: r.Submitted, Done: r.Done, Held: r.Held,
	}, done)
}

// Forget drops receipts that were delivered or have expired.
func (j *journal) Forget(ids ...uint64) { j.ledger.Forget(ids...) }

// Restore hands over what was kept.
func (j *journal) Restore(ctx context.Context, sent func(smpp.Submission), held func(smpp.HeldReceipt)) error {
	return j.ledger.Restore(ctx, func(s ledger.Submission) {
		sent(smpp.Submission{
			Carrier: s.Carrier, RemoteID: s.RemoteID, LocalID: s.LocalID, Account: s.Account,
			Source: smpp.Address(s.Source), Destination: smpp.Address(s.Destination),
			Wants: s.Wants, At: s.At, Final: s.Final,
		})
	}, func(r ledger.HeldReceipt) {
		held(smpp.HeldReceipt{
			ID: r.ID, Account: r.Account, LocalID: r.LocalID,
			Source: smpp.Address(r.Source), Destination: smpp.Address(r.Destination),
			State: pdu.State(r.State), NetworkType: r.NetworkType, ErrorCode: r.ErrorCode, ErrorWord: r.ErrorWord,
			Submitted: r.Submitted, Done: r.Done, Held: r.Held,
		})
	})
}
