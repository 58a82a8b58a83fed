package main

import (
	"context"
	"errors"
	"fmt"

	"maskline/api"
	"maskline/numberdb"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Find lines of the audit that were removed, changed or moved; exit 1 where there are."`
	Head   auditHeadCommand   `cmd:"" help:"Print the end of the audit, to be kept elsewhere for a later verify."`
}

type auditVerifyCommand struct {
	Head   []string `help:"An end of the audit that was kept elsewhere, as head prints it; may be given several times." placeholder:"HEAD"`
	Config string   `required:"" help:"Configuration file." type:"path"`
}

type auditHeadCommand struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run verifies.
func (cmd *auditVerifyCommand) Run(ctx context.Context, c console) error {
	found, err := checkAudit(ctx, c, cmd.Config, cmd.Head)
	if err != nil {
		return err
	}
	if found.Fault != "" {
		fmt.Fprintf(c.out, "%d lines are as they were written\n", found.Lines)
		return errors.New("the audit is not as it was written: " + found.Fault)
	}
	fmt.Fprintf(c.out, "%d lines, all as they were written\n", found.Lines)
	return nil
}

// Run prints the end.
func (cmd *auditHeadCommand) Run(ctx context.Context, c console) error {
	found, err := checkAudit(ctx, c, cmd.Config, nil)
	switch {
	case err != nil:
		return err
	case found.Fault != "":
		return errors.New("the audit is not as it was written: " + found.Fault)
	case found.Head == "":
		return errors.New("the audit has no line yet")
	}
	fmt.Fprintln(c.out, found.Head)
	return nil
}

// checkAudit asks the running edge, or the store where none runs.
func checkAudit(ctx context.Context, c console, config string, heads []string) (found api.AuditChecked, err error) {
	cfg, err := loadConfig(config, c)
	if err != nil {
		return found, err
	}
	q := api.AuditCheck{Heads: heads}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.post(ctx, "/audit/check", q, &found)
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) (err error) {
			found, err = (&auditDesk{o.audit, endFile(cfg.DataDir)}).Check(ctx, q)
			return err
		})
	}
	if err != nil {
		return found, fmt.Errorf("verifying the audit: %w", err)
	}
	return found, nil
}

// auditDesk is the audit in the words of the API.
type auditDesk struct {
	store numberdb.AuditStore
	end   endFile
}

// Check chains what waits and reads the whole chain.
func (d *auditDesk) Check(ctx context.Context, q api.AuditCheck) (found api.AuditChecked, err error) {
	kept, err := d.end.Load()
	if err != nil {
		return found, err
	}
	for _, text := range q.Heads {
		head, err := numberdb.ParseAuditHead(text)
		if err != nil {
			return found, fmt.Errorf("head: %w", err)
		}
		kept = append(kept, head)
	}
	if _, _, _, err := d.store.ChainAudit(ctx, chainBefore); err != nil && !errors.Is(err, numberdb.ErrAudit) {
		return found, err
	}
	at, err := numberdb.VerifyAudit(ctx, d.store, kept)
	if found.Lines = at.Place; at.Place > 0 {
		found.Head = at.Text()
	}
	if errors.Is(err, numberdb.ErrAudit) {
		found.Fault = err.Error()
		return found, nil
	}
	return found, err
}

// chainBefore is how many lines are chained before a check.
const chainBefore = 5000
