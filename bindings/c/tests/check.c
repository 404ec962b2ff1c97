/* Runs a model on the PC: every function of elman.h, and the outputs of a test that was exported with the model.
 *
 * MODEL_HEADER and TEST_HEADER name the exported files, and MODEL(x), MODEL_UPPER(X) make their names. Compiled as C99 and as C++.
 * With a file of samples as argument it prints the events of a listener.
 */
#include MODEL_HEADER
#include TEST_HEADER

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static elman_model_t model;
static elman_error_t error;
static uint32_t memory[MODEL_UPPER(_MEMORY_WORDS) + 1];

#define CHECK(what)                                                      \
    do {                                                                 \
        if (!(what)) {                                                   \
            char said[256] = "";                                         \
            (void)elman_error_text(&error, said, sizeof said);           \
            printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, said); \
            exit(1);                                                     \
        }                                                                \
    } while (0)

static const int16_t *frame(size_t t) {
    return &MODEL(_test_frames)[t * MODEL_UPPER(_INPUTS)];
}

/* Whether the output of step t is the exported one; its probabilities sum to 1. */
static void compare(const elman_output_t *output, size_t t) {
    static uint16_t p[MODEL_UPPER(_OUTPUTS)];
    int32_t best = elman_argmax(output);
    uint32_t sum = 0;
    CHECK(output->count == MODEL_UPPER(_OUTPUTS) && output->frac == MODEL_UPPER(_OUT_FRAC));
    for (size_t k = 0; k < output->count; k++) {
        CHECK(output->logits[k] == MODEL(_test_logits)[t * MODEL_UPPER(_OUTPUTS) + k]);
        CHECK(output->logits[k] <= output->logits[best]);
    }
    CHECK(elman_softmax(output, p, MODEL_UPPER(_OUTPUTS)) == ELMAN_OK);
    for (size_t k = 0; k < output->count; k++) {
        sum += p[k];
    }
    CHECK(output->count > 64 || (sum + output->count >= 32768u && sum <= 32768u + output->count));
}

static void loading(void) {
    const elman_part_t nothing[1] = {NULL};
    const elman_part_t everything[2] = {elman_part_all, NULL};
    char text[128];
    CHECK(elman_inputs(&model) == 0 && elman_inputs(NULL) == 0);
    CHECK(elman_load(NULL, MODEL(_blob), MODEL_UPPER(_BLOB_WORDS), MODEL(_parts), NULL) == ELMAN_ERROR_POINTER);
    CHECK(elman_load(&model, NULL, 7, MODEL(_parts), NULL) == ELMAN_ERROR_POINTER);
    CHECK(elman_load(&model, MODEL(_blob), MODEL_UPPER(_BLOB_WORDS) - 1, MODEL(_parts), &error) == ELMAN_ERROR_BLOB);
    CHECK(elman_error_text(&error, text, sizeof text) > 20 && strlen(text) > 20);
    CHECK(elman_error_text(&error, text, 8) > 20 && strlen(text) == 7);
    CHECK(elman_error_text(&error, NULL, 0) > 20);
    CHECK(elman_load(&model, MODEL(_blob), MODEL_UPPER(_BLOB_WORDS), nothing, &error) == ELMAN_ERROR_PART);
    CHECK(elman_inputs(&model) == 0);
    CHECK(elman_load(&model, MODEL(_blob), MODEL_UPPER(_BLOB_WORDS), everything, &error) == ELMAN_OK);
    CHECK(MODEL(_load)(&model, &error) == ELMAN_OK);
    CHECK(elman_inputs(&model) == MODEL_UPPER(_INPUTS) && elman_outputs(&model) == MODEL_UPPER(_OUTPUTS));
    CHECK(elman_in_frac(&model) == MODEL_UPPER(_IN_FRAC) && elman_out_frac(&model) == MODEL_UPPER(_OUT_FRAC));
    CHECK(elman_memory_words(&model) == MODEL_UPPER(_MEMORY_WORDS) && elman_crc(&model) != 0);
    CHECK(elman_blob_memory_words(MODEL(_blob), MODEL_UPPER(_BLOB_WORDS)) == MODEL_UPPER(_MEMORY_WORDS));
    CHECK(elman_name(&model, text, sizeof text) == strlen(text));
    for (int32_t status = -12; status <= 2; status++) {
        CHECK(strlen(elman_status_text(status)) > 3);
    }
    CHECK(strcmp(elman_status_text(ELMAN_OK), "done") == 0);
    CHECK(strcmp(elman_status_text(99), "no status of elman") == 0);
#ifdef LABELS
    for (size_t k = 0; k < MODEL_UPPER(_OUTPUTS); k++) {
        CHECK(elman_label(&model, (uint16_t)k, text, sizeof text) == strlen(MODEL(_labels)[k]));
        CHECK(strcmp(text, MODEL(_labels)[k]) == 0);
    }
    CHECK(elman_label(&model, MODEL_UPPER(_OUTPUTS), text, sizeof text) == 0 && text[0] == '\0');
#endif
}

#ifdef SEQUENCE
static void running(void) {
    elman_sequence_t sequence;
    elman_stream_t stream;
    elman_outputs_t outputs;
    elman_output_t output;
    const size_t elements = MODEL_UPPER(_TEST_STEPS) * MODEL_UPPER(_INPUTS);
    CHECK(elman_max_steps(&model) == MODEL_UPPER(_MAX_STEPS));
    CHECK(elman_stream_init(&stream, &model, memory, MODEL_UPPER(_MEMORY_WORDS), &error) == ELMAN_ERROR_RUNNER);
    CHECK(elman_sequence_init(&sequence, &model, memory, 0, &error) == ELMAN_ERROR_MEMORY);
    CHECK(elman_sequence_init(&sequence, &model, memory, MODEL_UPPER(_MEMORY_WORDS), &error) == ELMAN_OK);
    CHECK(elman_sequence_run(&sequence, frame(0), elements - 1, &outputs, &error) == ELMAN_ERROR_LENGTH);
    CHECK(elman_outputs_at(&outputs, 0, &output) == ELMAN_ERROR_NOT_READY);
    CHECK(elman_sequence_run(&sequence, frame(0), elements, &outputs, &error) == ELMAN_OK);
    CHECK(elman_outputs_steps(&outputs) == MODEL_UPPER(_TEST_STEPS));
    for (size_t t = 0; t < MODEL_UPPER(_TEST_STEPS); t++) {
        CHECK(elman_outputs_at(&outputs, t, &output) == ELMAN_OK);
        compare(&output, t);
    }
    CHECK(elman_outputs_at(&outputs, MODEL_UPPER(_TEST_STEPS), &output) == ELMAN_ERROR_RANGE);
}
#else
static void running(void) {
    elman_stream_t stream;
    elman_output_t output;
    const int16_t *state;
    size_t count;
    static uint32_t snapshot[MODEL_UPPER(_SNAPSHOT_WORDS)];
    const size_t words = MODEL_UPPER(_SNAPSHOT_WORDS);
    memset(&stream, 0, sizeof stream);
    CHECK(elman_step(&stream, frame(0), MODEL_UPPER(_INPUTS), &output) == ELMAN_ERROR_NOT_READY);
    CHECK(elman_stream_init(&stream, &model, memory, MODEL_UPPER(_MEMORY_WORDS) - 1, &error) == ELMAN_ERROR_MEMORY);
    CHECK(elman_stream_init(&stream, &model, NULL, 7, &error) == ELMAN_ERROR_POINTER);
    memory[MODEL_UPPER(_MEMORY_WORDS)] = 0xdeadbeefu;
    CHECK(elman_stream_init(&stream, &model, memory, MODEL_UPPER(_MEMORY_WORDS), &error) == ELMAN_OK);
    CHECK(elman_step(&stream, frame(0), MODEL_UPPER(_INPUTS) + 1, &output) == ELMAN_ERROR_LENGTH);
    CHECK(elman_step(&stream, NULL, MODEL_UPPER(_INPUTS), &output) == ELMAN_ERROR_POINTER);
    CHECK(elman_snapshot_words(&model) == words);
    for (size_t t = 0; t < MODEL_UPPER(_TEST_STEPS); t++) {
        CHECK(elman_step(&stream, frame(t), MODEL_UPPER(_INPUTS), &output) == ELMAN_OK);
        compare(&output, t);
        CHECK(elman_output(&stream, &output) == ELMAN_OK);
        compare(&output, t);
    }
    CHECK(memory[MODEL_UPPER(_MEMORY_WORDS)] == 0xdeadbeefu);
    CHECK(elman_hidden_state(&stream, 0, &state, &count) == ELMAN_OK && count > 0);
    CHECK(elman_hidden_state(&stream, 99, &state, &count) == ELMAN_ERROR_RANGE);
    CHECK(elman_reset(&stream) == ELMAN_OK);
    for (size_t t = 0; t < 3; t++) {
        CHECK(elman_step(&stream, frame(t), MODEL_UPPER(_INPUTS), NULL) == ELMAN_OK);
    }
    CHECK(elman_snapshot(&stream, snapshot, words - 1) == ELMAN_ERROR_MEMORY);
    CHECK(elman_snapshot(&stream, snapshot, words) == ELMAN_OK);
    CHECK(elman_reset(&stream) == ELMAN_OK);
    CHECK(elman_restore(&stream, snapshot, words) == ELMAN_OK);
    CHECK(elman_step(&stream, frame(3), MODEL_UPPER(_INPUTS), &output) == ELMAN_OK);
    compare(&output, 3);
    snapshot[0] ^= 1u;
    CHECK(elman_restore(&stream, snapshot, words) == ELMAN_ERROR_SNAPSHOT);
    CHECK(elman_restore(&stream, snapshot, 1) == ELMAN_ERROR_MEMORY);
}
#endif

#ifdef LISTENS
static void listening(const char *path) {
    static elman_listener_t listener;
    static uint32_t states[MODEL_UPPER(_LISTENER_WORDS)];
    int16_t block[160];
    size_t count;
    elman_event_t event;
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    CHECK(elman_listener_words(&model) == MODEL_UPPER(_LISTENER_WORDS));
    CHECK(elman_listener_init(&listener, &model, states, MODEL_UPPER(_LISTENER_WORDS) - 1, &error) == ELMAN_ERROR_MEMORY);
    CHECK(elman_listener_push(&listener, block, 0, &event) == ELMAN_ERROR_NOT_READY);
    CHECK(elman_listener_init(&listener, &model, states, MODEL_UPPER(_LISTENER_WORDS), &error) == ELMAN_OK);
    CHECK(elman_listener_push(&listener, block, 0, NULL) == ELMAN_OK);
    while ((count = fread(block, sizeof block[0], 160, file)) > 0) {
        if (elman_listener_push(&listener, block, count, &event) == ELMAN_EVENT) {
            unsigned long milliseconds = (unsigned long)elman_event_milliseconds(&listener, &event);
            printf("%u %lu %u %lu\n", (unsigned)event.class_index, (unsigned long)event.step, (unsigned)event.score, milliseconds);
        }
    }
    fclose(file);
    CHECK(elman_listener_reset(&listener) == ELMAN_OK);
}
#endif

int main(int count, char **arguments) {
    loading();
    running();
#ifdef LISTENS
    if (count > 1) {
        listening(arguments[1]);
    }
#endif
    (void)count;
    (void)arguments;
    puts("ok");
    return 0;
}
