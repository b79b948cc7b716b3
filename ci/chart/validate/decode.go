package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// What the chart may make.
var known = runtime.NewScheme()

func init() {
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme,
		networkingv1.AddToScheme, policyv1.AddToScheme, monitoringv1.AddToScheme, gatewayv1.Install,
	} {
		if err := add(known); err != nil {
			panic(err)
		}
	}
}

type object interface {
	runtime.Object
	metav1.Object
}

// Strict: an unknown, misspelt or repeated field is a fault, as with `kubectl --validate=strict`.
func decode(text string) (objects []object, faults []string) {
	for _, document := range strings.Split("\n"+text, "\n---") {
		if strings.TrimSpace(withoutComments(document)) == "" {
			continue
		}
		read, found := decodeOne(document)
		faults = append(faults, found...)
		if read != nil {
			objects = append(objects, read)
		}
	}
	return objects, faults
}

func decodeOne(document string) (object, []string) {
	written, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		return nil, []string{err.Error()}
	}
	var head metav1.TypeMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(written, &head); err != nil {
		return nil, []string{err.Error()}
	}
	kind := schema.FromAPIVersionAndKind(head.APIVersion, head.Kind)
	empty, err := known.New(kind)
	if err != nil {
		return nil, []string{err.Error()}
	}
	read := empty.(object)
	strict, err := kjson.UnmarshalStrict(written, read)
	if err != nil {
		return nil, []string{fmt.Sprintf("%s: %v", head.Kind, err)}
	}
	where := head.Kind + " " + read.GetName()
	var faults []string
	for _, fault := range strict {
		faults = append(faults, fmt.Sprintf("%s: %v", where, fault))
	}
	for _, fault := range metadataFaults(read) {
		faults = append(faults, fmt.Sprintf("%s: %v", where, fault))
	}
	if head.Kind == "Secret" && read.GetLabels()["app.kubernetes.io/component"] != "trial-redis" {
		faults = append(faults, where+": a Secret was rendered; secrets come from existingSecret alone")
	}
	return read, append(faults, diffFaults(where, written, read)...)
}

// What the API server would not store as it is written: empty lists and maps, null, quantities in another form. A tool that applies
// the chart again would find a difference each time.
func diffFaults(where string, written []byte, read object) (faults []string) {
	stored, err := json.Marshal(read)
	if err != nil {
		return []string{err.Error()}
	}
	var ours, theirs any
	if err := errors.Join(json.Unmarshal(written, &ours), json.Unmarshal(stored, &theirs)); err != nil {
		return []string{err.Error()}
	}
	for _, path := range differences("", ours, theirs) {
		faults = append(faults, fmt.Sprintf("%s: %s is not stored as it is written: a perpetual difference", where, path))
	}
	return faults
}

func differences(path string, ours, theirs any) (paths []string) {
	switch ours := ours.(type) {
	case map[string]any:
		theirs, ok := theirs.(map[string]any)
		if !ok {
			return []string{path}
		}
		for key, value := range ours {
			at := path + "." + key
			if stored, found := theirs[key]; found {
				paths = append(paths, differences(at, value, stored)...)
			} else {
				paths = append(paths, at)
			}
		}
	case []any:
		theirs, ok := theirs.([]any)
		if !ok || len(ours) != len(theirs) {
			return []string{path}
		}
		for index, value := range ours {
			paths = append(paths, differences(fmt.Sprintf("%s[%d]", path, index), value, theirs[index])...)
		}
	default:
		if ours != theirs {
			return []string{path}
		}
	}
	return paths
}

func metadataFaults(read object) field.ErrorList {
	at := field.NewPath("metadata")
	faults := apivalidation.ValidateAnnotations(read.GetAnnotations(), at.Child("annotations"))
	faults = append(faults, metav1validation.ValidateLabels(read.GetLabels(), at.Child("labels"))...)
	// A Service's is the narrowest form of a name, and all of ours follow from one.
	for _, text := range apivalidation.NameIsDNS1035Label(read.GetName(), false) {
		faults = append(faults, field.Invalid(at.Child("name"), read.GetName(), text))
	}
	return faults
}

func withoutComments(document string) string {
	var lines []string
	for _, line := range strings.Split(document, "\n") {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
