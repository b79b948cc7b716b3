package main

import (
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
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// What the chart may make. A Secret is not among it.
var known = runtime.NewScheme()

func init() {
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme,
		networkingv1.AddToScheme, policyv1.AddToScheme, monitoringv1.AddToScheme,
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
	json, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		return nil, []string{err.Error()}
	}
	var head metav1.TypeMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(json, &head); err != nil {
		return nil, []string{err.Error()}
	}
	kind := schema.FromAPIVersionAndKind(head.APIVersion, head.Kind)
	if head.Kind == "Secret" {
		return nil, []string{"a Secret was rendered; secrets come from existingSecret alone"}
	}
	empty, err := known.New(kind)
	if err != nil {
		return nil, []string{err.Error()}
	}
	read := empty.(object)
	strict, err := kjson.UnmarshalStrict(json, read)
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
	return read, faults
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
