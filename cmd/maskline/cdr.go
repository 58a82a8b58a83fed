package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"maskline/configs"
	"maskline/ledger"
	"maskline/seal"
	"maskline/sip"
)

// records are the ledger's call detail records in the words of sip, which may not
// import it.
type records struct{ cdrs *ledger.CDRs }

// Full reports whether calls must wait for the disk.
func (r records) Full() bool { return r.cdrs.Full() }

// Add hands a record over.
func (r records) Add(s *sip.Record) {
	cdr := ledger.CDR{
		ID: s.ID, Tenant: s.Tenant, Order: s.Order,
		Received: ledger.Stamp{Time: s.Received}, Ringing: ledger.Stamp{Time: s.Ringing},
		Answered: ledger.Stamp{Time: s.Answered}, Ended: ledger.Stamp{Time: s.Ended},
		EndedBy: s.EndedBy.String(), Reason: s.Reason, Code: s.Code, Cause: s.Cause, Emergency: s.Emergency, Announced: s.Announced,
		FromTrunk: s.From.Trunk, FromCarrier: s.From.Carrier, ToTrunk: s.To.Trunk, ToCarrier: s.To.Carrier,
		Mask: s.Mask.Reveal(), Presented: s.Presented.Reveal(), Prefix: s.Called.CallingCode(), Codec: s.Codec,
		Parties: ledger.Parties{Caller: ledger.Party(s.Caller.Reveal()), Called: ledger.Party(s.Called.Reveal()), Dialled: ledger.Party(s.Dialled)},
	}
	if s.CalledUser != "" {
		cdr.Parties.Called = ledger.Party(s.CalledUser)
	}
	if !s.Answered.IsZero() {
		cdr.Talked = s.Ended.Sub(s.Answered).Round(time.Millisecond).Seconds()
		cdr.Bye = cdr.EndedBy
	}
	if m := s.Media; m != nil {
		cdr.RTP = &ledger.CDRFlow{
			Caller:  cdrSide(&m.A),
			Callee:  cdrSide(&m.B),
			Dropped: m.Dropped,
		}
	}
	for i := range s.Attempts {
		a := &s.Attempts[i]
		leg := ""
		if a.First {
			leg = "caller"
		}
		cdr.Attempts = append(cdr.Attempts, ledger.CDRAttempt{
			Trunk: a.Trunk, Carrier: a.Carrier, Leg: leg, Outcome: a.Outcome, Code: a.Code, Cause: a.Cause,
			Began: ledger.Stamp{Time: a.Began}, Response: ledger.Stamp{Time: a.Response}, Ringing: ledger.Stamp{Time: a.Ringing},
			Answered: ledger.Stamp{Time: a.Answered}, Ended: ledger.Stamp{Time: a.Ended},
		})
	}
	r.cdrs.Add(cdr)
}

// cdrSide rounds to what can be told.
func cdrSide(s *sip.MediaSide) ledger.CDRSide {
	round := func(v, steps float64) float64 { return math.Round(v*steps) / steps }
	return ledger.CDRSide{
		Packets: s.Packets, Octets: s.Octets, Lost: s.Lost, Reordered: s.Reordered, Duplicates: s.Duplicates, Gaps: s.Gaps,
		Jitter: round(s.Jitter.Seconds()*1000, 10), RoundTrip: round(s.RoundTrip.Seconds()*1000, 10),
		R: round(s.R, 10), MOS: round(s.MOS, 100), OneWay: s.OneWay,
	}
}

func cdrConfig(cfg *configs.Config) ledger.CDRConfig {
	c := &cfg.Observe.CDR
	return ledger.CDRConfig{Dir: string(c.Dir), Node: string(cfg.Node), Rotate: c.Rotate, Size: int64(c.Size)}
}

type cdrCommand struct {
	Open openCDRCommand `cmd:"" help:"Print call detail records with the parties' numbers in clear."`
}

type openCDRCommand struct {
	File   string `arg:"" help:"File of records, or - for standard input." type:"path"`
	Config string `required:"" help:"Configuration file of the edge that wrote them, or of one with its key file." type:"path"`
}

// Run prints the file's records. One that cannot be opened is told of and left
// out.
func (cmd *openCDRCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	key, err := seal.Load(keyFile(cfg))
	if err != nil {
		return err
	}
	in := c.in
	if cmd.File != "-" {
		file, err := os.Open(cmd.File)
		if err != nil {
			return fmt.Errorf("reading records: %w", err)
		}
		defer func() { _ = file.Close() }() // only read
		in = file
	}
	return openCDRs(ctx, in, c, ledger.NewCDROpener(key))
}

// mostCDR bounds the octets of a line that is read.
const mostCDR = 1 << 20

func openCDRs(ctx context.Context, in io.Reader, c console, opener *ledger.CDROpener) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mostCDR)
	out := bufio.NewWriter(c.out)
	failed := false
	for n := 1; lines.Scan() && ctx.Err() == nil; n++ {
		record, err := opener.Open(lines.Bytes())
		if err != nil {
			fmt.Fprintf(c.err, "line %d: %v\n", n, err)
			failed = true
			continue
		}
		if _, err := out.Write(append(record, '\n')); err != nil {
			return fmt.Errorf("writing records: %w", err)
		}
	}
	if err := errors.Join(lines.Err(), out.Flush()); err != nil {
		return fmt.Errorf("reading records: %w", err)
	}
	if failed {
		return &exitError{1}
	}
	return nil
}
