/* Loads a SavedModel with TensorFlow's C interface, as a server does, and runs signatures.
 *
 * run_signatures FOLDER JOBS ANSWERS
 *
 * Both files are runs of little-endian numbers; native.py writes the one and reads the other.
 * JOBS: count, then for each job: inputs (count; each operation, index, tensor) and outputs
 * (count; each operation, index). ANSWERS: for each job 0 and its tensors, or 1 and a text.
 * A text is its length (int32) and bytes; a tensor type, rank (int32), sizes and number of bytes
 * (int64), and its bytes; of texts, each is its length (int64) and bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

#define MOST_AXES 16

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void take(FILE *file, void *into, size_t bytes) {
  if (bytes && fread(into, 1, bytes, file) != bytes) fail("The file of jobs is cut short.");
}

static void give(FILE *file, const void *from, size_t bytes) {
  if (bytes && fwrite(from, 1, bytes, file) != bytes) fail("The answers cannot be written.");
}

static int32_t take32(FILE *file) {
  int32_t value;
  take(file, &value, sizeof value);
  return value;
}

static int64_t take64(FILE *file) {
  int64_t value;
  take(file, &value, sizeof value);
  return value;
}

static void give32(FILE *file, int32_t value) { give(file, &value, sizeof value); }
static void give64(FILE *file, int64_t value) { give(file, &value, sizeof value); }

static void *space(size_t bytes) {
  void *made = malloc(bytes ? bytes : 1);
  if (!made) fail("Memory ran out.");
  return made;
}

static TF_Output take_output(FILE *file, TF_Graph *graph) {
  int32_t length = take32(file);
  char *name = space((size_t)length + 1);
  take(file, name, (size_t)length);
  name[length] = 0;
  TF_Output end = {TF_GraphOperationByName(graph, name), 0};
  end.index = take32(file);
  if (!end.oper) fail("A signature names an operation that the graph does not have.");
  free(name);
  return end;
}

static TF_Tensor *take_tensor(FILE *file) {
  int64_t sizes[MOST_AXES], count = 1;
  TF_DataType type = (TF_DataType)take32(file);
  int32_t rank = take32(file);
  if (rank < 0 || rank > MOST_AXES) fail("A tensor has too many axes.");
  for (int i = 0; i < rank; i++) count *= sizes[i] = take64(file);
  int64_t bytes = take64(file);
  if (type != TF_STRING) {
    TF_Tensor *tensor = TF_AllocateTensor(type, sizes, rank, (size_t)bytes);
    take(file, TF_TensorData(tensor), (size_t)bytes);
    return tensor;
  }
  TF_Tensor *tensor = TF_AllocateTensor(type, sizes, rank, (size_t)count * sizeof(TF_TString));
  TF_TString *texts = TF_TensorData(tensor);
  for (int64_t i = 0; i < count; i++) {
    int64_t length = take64(file);
    char *text = space((size_t)length);
    take(file, text, (size_t)length);
    TF_StringInit(&texts[i]);
    TF_StringCopy(&texts[i], text, (size_t)length);
    free(text);
  }
  return tensor;
}

static void give_tensor(FILE *file, TF_Tensor *tensor) {
  int64_t count = TF_TensorElementCount(tensor);
  give32(file, TF_TensorType(tensor));
  give32(file, TF_NumDims(tensor));
  for (int i = 0; i < TF_NumDims(tensor); i++) give64(file, TF_Dim(tensor, i));
  if (TF_TensorType(tensor) != TF_STRING) {
    give64(file, (int64_t)TF_TensorByteSize(tensor));
    give(file, TF_TensorData(tensor), TF_TensorByteSize(tensor));
    return;
  }
  give64(file, count);
  TF_TString *texts = TF_TensorData(tensor);
  for (int64_t i = 0; i < count; i++) {
    give64(file, (int64_t)TF_StringGetSize(&texts[i]));
    give(file, TF_StringGetDataPointer(&texts[i]), TF_StringGetSize(&texts[i]));
  }
}

static void run(FILE *jobs, FILE *answers, TF_Graph *graph, TF_Session *session) {
  TF_Status *status = TF_NewStatus();
  int32_t given = take32(jobs);
  TF_Output *feeds = space((size_t)given * sizeof *feeds);
  TF_Tensor **fed = space((size_t)given * sizeof *fed);
  for (int i = 0; i < given; i++) {
    feeds[i] = take_output(jobs, graph);
    fed[i] = take_tensor(jobs);
  }
  int32_t wanted = take32(jobs);
  TF_Output *fetches = space((size_t)wanted * sizeof *fetches);
  TF_Tensor **fetched = space((size_t)wanted * sizeof *fetched);
  for (int i = 0; i < wanted; i++) fetches[i] = take_output(jobs, graph);
  TF_SessionRun(session, NULL, feeds, fed, given, fetches, fetched, wanted, NULL, 0, NULL, status);
  if (TF_GetCode(status) == TF_OK) {
    give32(answers, 0);
    for (int i = 0; i < wanted; i++) {
      give_tensor(answers, fetched[i]);
      TF_DeleteTensor(fetched[i]);
    }
  } else {
    give32(answers, 1);
    give32(answers, (int32_t)strlen(TF_Message(status)));
    give(answers, TF_Message(status), strlen(TF_Message(status)));
  }
  for (int i = 0; i < given; i++) TF_DeleteTensor(fed[i]);
  free(feeds);
  free(fed);
  free(fetches);
  free(fetched);
  TF_DeleteStatus(status);
}

int main(int count, char **words) {
  if (count != 4) fail("run_signatures FOLDER JOBS ANSWERS");
  const char *tag = "serve";
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, words[1], &tag, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
  FILE *jobs = fopen(words[2], "rb"), *answers = fopen(words[3], "wb");
  if (!jobs || !answers) fail("The files of jobs and answers cannot be opened.");
  for (int32_t left = take32(jobs); left > 0; left--) run(jobs, answers, graph, session);
  if (fclose(answers)) fail("The answers cannot be written.");
  fclose(jobs);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
