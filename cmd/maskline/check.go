package main

import (
	"fmt"

	"maskline/configs"
)

type checkCommand struct {
	File string `arg:"" help:"Configuration file." type:"path"`
}

// Run prints the effective configuration, or every fault.
func (cmd *checkCommand) Run(c console) error {
	cfg, err := loadConfig(cmd.File, c)
	if err != nil {
		return err
	}
	if _, err := loadPrompts(cfg); err != nil {
		fmt.Fprintln(c.err, err)
		return &exitError{1}
	}
	effective, err := cfg.Effective()
	if err != nil {
		return fmt.Errorf("printing the configuration: %w", err)
	}
	_, err = c.out.Write(effective)
	return err
}

// loadConfig prints the faults of a file itself, one to a line, so that they
// can be read by editors.
func loadConfig(file string, c console) (*configs.Config, error) {
	cfg, err := configs.Load(file, c.env)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return nil, &exitError{1}
	}
	return cfg, nil
}
