// Says which values the chart takes: its schema and its templates, as `helm template` runs them.
//
//	accepts <chart folder> < values.json
//
// In: a list of values in JSON. Out, for each: {"config": the broker's configuration as rendered} or {"fault": why not}.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The templates that look at the broker's configuration.
var asked = []string{"configmap.yaml", "validate.yaml"}

type verdict struct {
	Config string `json:"config,omitempty"`
	Fault  string `json:"fault,omitempty"`
}

func main() {
	log.SetFlags(0)
	loaded, err := loader.Load(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	loaded.Templates = slices.DeleteFunc(loaded.Templates, func(file *chart.File) bool {
		name := path.Base(file.Name)
		return !strings.HasPrefix(name, "_") && !slices.Contains(asked, name)
	})
	var values []map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&values); err != nil {
		log.Fatal(err)
	}
	verdicts := make([]verdict, len(values))
	for index, each := range values {
		if verdicts[index].Config, err = render(loaded, each); err != nil {
			verdicts[index].Fault = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}

func render(loaded *chart.Chart, values map[string]any) (string, error) {
	release := chartutil.ReleaseOptions{Name: "broker", Namespace: "default", IsInstall: true}
	all, err := chartutil.ToRenderValues(loaded, values, release, nil)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(loaded, all)
	if err != nil {
		return "", err
	}
	var configMap corev1.ConfigMap
	for name, text := range files {
		if strings.HasSuffix(name, "/configmap.yaml") {
			err = yaml.Unmarshal([]byte(text), &configMap)
		}
	}
	return configMap.Data["broker.yaml"], err
}
