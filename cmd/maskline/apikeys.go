package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/configs"
	"maskline/numberdb"
)

// firstKey is the text of the operator's first API key, which stands in admin.key. It
// is written before the store has the key: whoever has the file has the key.
func firstKey(dir string) (string, error) {
	path := filepath.Join(dir, "admin.key")
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading admin.key: %w", err)
	}
	text := auth.NewText()
	if err := replaceFile(path, []byte(text+"\n")); err != nil {
		return "", fmt.Errorf("writing admin.key: %w", err)
	}
	return text, nil
}

// apiKeys are the API keys for who may use the control socket or the store.
type apiKeys struct {
	keys   *auth.Keys
	tenant func(name string) bool
	// resume lets a suspended one in again.
	resume func(ctx context.Context, by *auth.Identity, id numberdb.ID) (numberdb.APIKey, error)
}

// Create makes any key.
func (d *apiKeys) Create(ctx context.Context, r api.KeyRequest) (api.Key, error) {
	if r.Tenant != "" && !d.tenant(r.Tenant) {
		return api.Key{}, errors.New("tenant: expected one that is configured")
	}
	text, key, err := d.keys.Create(ctx, auth.Local(), &auth.Wanted{
		Tenant: r.Tenant, Role: auth.Role(r.Role), Scopes: r.Scopes, Label: r.Label, Expires: time.Duration(r.ExpiresIn) * time.Second, Test: r.Test,
	})
	if err != nil {
		return api.Key{}, localProblem(err)
	}
	return api.KeyOf(&key, time.Now(), text), nil
}

// List gives all keys.
func (d *apiKeys) List(context.Context) ([]api.Key, error) {
	all, err := d.keys.List(numberdb.AnyTenant)
	if err != nil {
		return nil, localProblem(err)
	}
	list := []api.Key{}
	for i := range all {
		list = append(list, api.KeyOf(&all[i], time.Now(), ""))
	}
	return list, nil
}

// Revoke ends any key.
func (d *apiKeys) Revoke(ctx context.Context, id api.KeyID) (api.Key, error) {
	return changeKey(id, func(id numberdb.ID) (numberdb.APIKey, error) { return d.keys.Revoke(ctx, auth.Local(), id) })
}

// Resume lets any key in again that was suspended.
func (d *apiKeys) Resume(ctx context.Context, id api.KeyID) (api.Key, error) {
	return changeKey(id, func(id numberdb.ID) (numberdb.APIKey, error) { return d.resume(ctx, auth.Local(), id) })
}

func changeKey(of api.KeyID, change func(numberdb.ID) (numberdb.APIKey, error)) (api.Key, error) {
	id, err := numberdb.ParseID(numberdb.KeyPrefix, of.ID)
	if err != nil {
		return api.Key{}, errors.New("id: expected the id of a key, such as key_0d2k9x4m1qz7c")
	}
	key, err := change(id)
	if err != nil {
		return api.Key{}, localProblem(err)
	}
	return api.KeyOf(&key, time.Now(), ""), nil
}

// localProblem is a problem of the API for the command line.
func localProblem(err error) error {
	var p *problem.Error
	if !errors.As(err, &p) {
		return err
	}
	text := cmp.Or(p.Detail, problem.Of(p.Code).Title)
	if len(p.Fields) > 0 {
		text = strings.TrimPrefix(p.Fields[0].Field, "body.") + ": " + p.Fields[0].Problem
	}
	return &api.Problem{Problem: text, Code: string(p.Code)}
}

type keysCommand struct {
	List   keysList   `cmd:"" help:"List API keys, without their texts."`
	Create keysCreate `cmd:"" help:"Make an API key and print its text, which is shown this once."`
	Revoke keysRevoke `cmd:"" help:"Revoke an API key."`
	Resume keysResume `cmd:"" help:"Let an API key in again that was suspended."`
}

type keysList struct{ listFlags }

// Run lists them.
func (cmd *keysList) Run(ctx context.Context, c console) error {
	var all []api.Key
	if err := withKeys(ctx, c, cmd.Config, func(k api.Keys) (err error) {
		all, err = k.List(ctx)
		return err
	}); err != nil {
		return fmt.Errorf("listing keys: %w", err)
	}
	return printList(c, cmd.JSON, all, "KEY\tBEGINS\tTENANT\tROLE\tSTATE\tUSED\tLABEL", func(k *api.Key) string {
		used := "never"
		if k.LastUsedAt != nil {
			used = k.LastUsedAt.Format(time.RFC3339)
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", k.ID, k.Begins, cmp.Or(k.Tenant, "-"), k.Role, k.State, used, k.Label)
	})
}

type keysCreate struct {
	Role    string        `required:"" help:"owner, operator, integrator, auditor or read-only: what it may at most."`
	Tenant  string        `help:"Whose; without it, the operator's, which sees every tenant."`
	Scope   []string      `help:"What it may, once for each; without it, all of the role but pii:read."`
	Label   string        `help:"Your own name for it, without numbers."`
	Test    bool          `help:"A key of the tenant's sandbox."`
	Expires time.Duration `help:"Its life; without it, until it is revoked."`
	JSON    bool          `name:"json" help:"JSON instead of the text alone."`
	Config  string        `required:"" help:"Configuration file." type:"path"`
}

// Run makes it.
func (cmd *keysCreate) Run(ctx context.Context, c console) error {
	r := api.KeyRequest{Tenant: cmd.Tenant, Role: cmd.Role, Label: cmd.Label, Test: cmd.Test, ExpiresIn: int64(cmd.Expires / time.Second)}
	for _, scope := range cmd.Scope {
		r.Scopes = append(r.Scopes, auth.Scope(scope))
	}
	var made api.Key
	if err := withKeys(ctx, c, cmd.Config, func(k api.Keys) (err error) {
		made, err = k.Create(ctx, r)
		return err
	}); err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(made)
	}
	fmt.Fprintln(c.out, made.Key)
	return nil
}

type keysRevoke struct {
	ID     string `arg:"" name:"id" help:"The key, such as key_0d2k9x4m1qz7c."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run revokes it.
func (cmd *keysRevoke) Run(ctx context.Context, c console) error {
	if err := withKeys(ctx, c, cmd.Config, func(k api.Keys) error {
		_, err := k.Revoke(ctx, api.KeyID{ID: cmd.ID})
		return err
	}); err != nil {
		return fmt.Errorf("revoking a key: %w", err)
	}
	fmt.Fprintln(c.out, "revoked")
	return nil
}

type keysResume struct {
	ID     string `arg:"" name:"id" help:"The key, such as key_0d2k9x4m1qz7c."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run resumes it.
func (cmd *keysResume) Run(ctx context.Context, c console) error {
	var key api.Key
	if err := withKeys(ctx, c, cmd.Config, func(k api.Keys) (err error) {
		key, err = k.Resume(ctx, api.KeyID{ID: cmd.ID})
		return err
	}); err != nil {
		return fmt.Errorf("resuming a key: %w", err)
	}
	fmt.Fprintln(c.out, key.State)
	return nil
}

// withKeys uses the keys of the edge that runs, or of the store.
func withKeys(ctx context.Context, c console, file string, use func(api.Keys) error) error {
	cfg, err := loadConfig(file, c)
	if err != nil {
		return err
	}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		return use(keysOfEdge{edge})
	}
	store, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	keys, err := auth.NewKeys(auth.Config{}, keysByHand{auditedKeys{store, newChanges(cfg, store, time.Now)}}, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err == nil {
		err = keys.Load(ctx)
	}
	if err == nil {
		err = use(&apiKeys{keys: keys, tenant: tenantsOf(cfg), resume: func(ctx context.Context, by *auth.Identity, id numberdb.ID) (numberdb.APIKey, error) {
			return keys.Suspend(ctx, by, id, false)
		}})
	}
	return errors.Join(err, store.Close())
}

func tenantsOf(cfg *configs.Config) func(string) bool {
	all := map[string]bool{}
	for _, t := range cfg.Tenants {
		all[string(t.Name)] = true
	}
	return func(name string) bool { return all[name] }
}

// keysOfEdge are the keys behind a control socket.
type keysOfEdge struct{ edge *controlClient }

// Create asks for one.
func (k keysOfEdge) Create(ctx context.Context, r api.KeyRequest) (key api.Key, err error) {
	err = k.edge.post(ctx, "/keys", r, &key)
	return key, err
}

// List asks for all.
func (k keysOfEdge) List(ctx context.Context) (all []api.Key, err error) {
	err = k.edge.readJSON(ctx, "/keys", &all)
	return all, err
}

// Revoke ends one.
func (k keysOfEdge) Revoke(ctx context.Context, id api.KeyID) (key api.Key, err error) {
	err = k.edge.post(ctx, "/keys/revoke", id, &key)
	return key, err
}

// Resume lets one in again.
func (k keysOfEdge) Resume(ctx context.Context, id api.KeyID) (key api.Key, err error) {
	err = k.edge.post(ctx, "/keys/resume", id, &key)
	return key, err
}
