package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"maskline/testbench/smppload"
)

type testbenchCommand struct {
	SMPP testbenchSMPP `cmd:"" name:"smpp" help:"Send SMS through a peer from one end to the other, and count what became of each."`
	RTP  testbenchRTP  `cmd:"" name:"rtp" help:"Put calls through an edge or rtpengine, attack them, and count what became of each packet."`

	Sessions testbenchSessions `cmd:"" name:"sessions" help:"Make sessions that live at once on an embedded or Postgres store, and prove that nobody has a mask twice."`
}

// testbenchSMPP is the command line of the load tool.
type testbenchSMPP struct {
	In  string   `help:"The end that sends: esme:ADDR binds to ADDR and sends submit_sm, smsc:ADDR listens there and sends deliver_sm." placeholder:"ROLE:ADDR"`
	Out []string `help:"An end that receives, in the same form; may be repeated." placeholder:"ROLE:ADDR"`

	InUser      string `help:"system_id of an esme that sends." default:"in"`
	InPassword  string `help:"Its password." default:"secret" env:"MASKLINE_TESTBENCH_IN_PASSWORD"`
	OutUser     string `help:"system_id of an esme that receives." default:"out"`
	OutPassword string `help:"Its password." default:"secret" env:"MASKLINE_TESTBENCH_OUT_PASSWORD"`
	Binds       int    `help:"Binds of the sending end." default:"1"`
	OutBinds    int    `help:"Binds of each receiving end." default:"1"`

	Messages int           `help:"Messages in all; 0: until the duration is over." default:"0"`
	Duration time.Duration `help:"How long to send; 0: until the messages are sent. Default 10s where neither is given."`
	Rate     int           `help:"Messages per second, segments counted; 0: as many as the window allows." default:"0"`
	Window   int           `help:"Unanswered messages of one bind." default:"10"`
	Text     int           `help:"Octets of a text." default:"120"`
	Parts    int           `help:"Segments of a message." default:"1"`
	Again    time.Duration `help:"When a message that was answered temporary is sent again; 0: never." default:"0s"`
	Receipts bool          `help:"Ask for receipts, send them, and match them."`
	Settle   time.Duration `help:"How long the last answers may take." default:"10s"`
	Seed     uint64        `help:"Seed of the faults; 0: by the clock." default:"0"`

	Bindings string `help:"CSV file of bindings whose numbers are used, as for routes import." type:"existingfile" placeholder:"FILE" xor:"plan"`
	Generate int    `help:"Use so many generated bindings instead." default:"1000" placeholder:"N"`
	WriteCSV string `name:"write-csv" help:"Only write the generated bindings to a file for routes import." placeholder:"FILE" xor:"plan"`
	Tenant   string `help:"Tenant of the written bindings." default:"shop"`
	Account  string `help:"Written bindings lead to this account instead of a number." placeholder:"NAME"`
	Unmasked bool   `help:"The peer changes no addresses."`

	Throttle  float64       `help:"Share that a receiving end answers ESME_RTHROTTLED." default:"0"`
	Errors    float64       `help:"Share that it answers with an error." default:"0"`
	ErrorCode uint32        `help:"command_status of these." default:"8"`
	Silence   float64       `help:"Share that it never answers." default:"0"`
	Delay     float64       `help:"Share that it answers late." default:"0"`
	DelayBy   time.Duration `help:"How late." default:"500ms"`
	Reset     float64       `help:"Share for which it resets the connection." default:"0"`
	Close     float64       `help:"Share for which it closes the connection." default:"0"`
	Stall     float64       `help:"Share after which it reads nothing for a while." default:"0"`
	StallFor  time.Duration `help:"How long." default:"3s"`

	JSON bool `name:"json" help:"Print the report as JSON."`
}

// Run sends, reports, and fails if anything was lost, altered, misrouted or
// leaked.
func (cmd *testbenchSMPP) Run(ctx context.Context, c console) error {
	if cmd.WriteCSV != "" {
		return cmd.writeBindings()
	}
	cfg, err := cmd.config()
	if err != nil {
		return err
	}
	b, err := smppload.New(ctx, cfg)
	if err != nil {
		return err
	}
	in, outs := b.Addrs()
	if cfg.In.Role == smppload.SMSC {
		fmt.Fprintf(c.err, "the sending end listens on %s\n", in)
	}
	for i, s := range cfg.Outs {
		if s.Role == smppload.SMSC {
			fmt.Fprintf(c.err, "a receiving end listens on %s\n", outs[i])
		}
	}
	finish := showProgress(b, c.err)
	report, err := b.Run(ctx)
	finish()
	if err != nil {
		return fmt.Errorf("running the load: %w", err)
	}
	return tell(c, report, cmd.JSON)
}

// loadReport is what a load came to.
type loadReport interface {
	Write(w io.Writer)
	Faulty() []string
}

// tell writes a report, and fails where it has faults.
func tell(c console, report loadReport, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(c.out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	} else {
		report.Write(c.out)
	}
	if faults := report.Faulty(); len(faults) > 0 {
		fmt.Fprintf(c.err, "FAULT: %s\n", strings.Join(faults, ", "))
		return &exitError{1}
	}
	return nil
}

func (cmd *testbenchSMPP) config() (cfg smppload.Config, err error) {
	if cmd.Messages == 0 && cmd.Duration == 0 {
		cmd.Duration = 10 * time.Second
	}
	if cmd.Seed == 0 {
		cmd.Seed = uint64(time.Now().UnixNano())
	}
	cfg = smppload.Config{
		Messages: cmd.Messages, Duration: cmd.Duration, Rate: cmd.Rate, Window: cmd.Window, Text: cmd.Text, Parts: cmd.Parts,
		Again: cmd.Again, Receipts: cmd.Receipts, Settle: cmd.Settle, Seed: cmd.Seed, Unmasked: cmd.Unmasked,
		Faults: smppload.Faults{
			Throttle: cmd.Throttle, Errors: cmd.Errors, Silence: cmd.Silence, Delay: cmd.Delay, Reset: cmd.Reset,
			Close: cmd.Close, Stall: cmd.Stall, ErrorStatus: cmd.ErrorCode, DelayBy: cmd.DelayBy, StallFor: cmd.StallFor,
		},
	}
	if cmd.In != "" {
		if cfg.In, err = sideOf(cmd.In, cmd.InUser, cmd.InPassword, cmd.Binds); err != nil {
			return cfg, err
		}
	}
	for _, text := range cmd.Out {
		s, err := sideOf(text, cmd.OutUser, cmd.OutPassword, cmd.OutBinds)
		if err != nil {
			return cfg, err
		}
		cfg.Outs = append(cfg.Outs, s)
	}
	cfg.Plan, err = cmd.plan()
	return cfg, err
}

// sideOf reads ROLE:ADDR.
func sideOf(text, user, password string, binds int) (smppload.Side, error) {
	role, addr, _ := strings.Cut(text, ":")
	s := smppload.Side{Addr: addr, Binds: binds}
	switch role {
	case "esme":
		s.Role, s.SystemID, s.Password = smppload.ESME, user, password
	case "smsc":
		s.Role = smppload.SMSC
	default:
		return s, errors.New("an end is esme:ADDR or smsc:ADDR")
	}
	return s, nil
}

func (cmd *testbenchSMPP) plan() (*smppload.Plan, error) {
	if cmd.Bindings == "" {
		if cmd.Generate < 1 || cmd.Generate > smppload.MaxBindings {
			return nil, fmt.Errorf("--generate is 1 to %d", smppload.MaxBindings)
		}
		return smppload.Generate(cmd.Generate), nil
	}
	file, err := os.Open(cmd.Bindings)
	if err != nil {
		return nil, fmt.Errorf("reading bindings: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	return smppload.ReadCSV(file)
}

func (cmd *testbenchSMPP) writeBindings() error {
	plan, err := cmd.plan()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(cmd.WriteCSV, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing bindings: %w", err)
	}
	return errors.Join(plan.WriteCSV(file, cmd.Tenant, cmd.Account), file.Close())
}

const progressEvery = 500 * time.Millisecond

// showProgress keeps a line of totals on a terminal.
func showProgress(b *smppload.Bench, w io.Writer) (finish func()) {
	screen, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(screen.Fd())) {
		return func() {}
	}
	done, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		var last smppload.Progress
		for {
			select {
			case <-done:
				fmt.Fprint(w, "\r\x1b[K")
				return
			case <-tick.C:
				p := b.Progress()
				rate := float64(p.Accepted-last.Accepted) / progressEvery.Seconds()
				fmt.Fprintf(w, "\r\x1b[K%5.1fs  %d sent  %d accepted (%.0f/s)  %d to try again  %d refused  %d bad",
					p.Elapsed.Seconds(), p.Sent, p.Accepted, rate, p.Temporary, p.Refused, p.Bad)
				last = p
			}
		}
	}()
	return func() {
		close(done)
		<-finished
	}
}
