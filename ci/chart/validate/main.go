// Checks what `helm template` rendered, one file per set of values: each object against the Go type that the API server
// reads it into, its metadata and selectors, Pod Security, and that objects which name each other fit.
//
//	validate rendered/default.yaml rendered/memory.yaml …
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	failed := false
	for _, file := range os.Args[1:] {
		row, faults := check(file)
		fmt.Println(row)
		for _, fault := range faults {
			fmt.Fprintf(os.Stderr, "%s: %s\n", file, fault)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func check(file string) (row string, faults []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return file, []string{err.Error()}
	}
	objects, pods, faults := inspect(string(text))
	name := strings.TrimSuffix(filepath.Base(file), ".yaml")
	return fmt.Sprintf("%-12s %2d objects of known fields, %d pods under %d rules of Pod Security and %d of our own",
		name, len(objects), len(pods), securityRules(), len(hardening)), faults
}

func inspect(rendered string) (objects []object, pods []pod, faults []string) {
	objects, faults = decode(rendered)
	pods = podsOf(objects)
	for _, pod := range pods {
		faults = append(faults, checkSecurity(pod)...)
	}
	return objects, pods, append(faults, checkLinks(objects, pods)...)
}
