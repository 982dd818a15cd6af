/// The forms of conversations of models whose files have no chat template: protocol strings of their makers.
extension ChatTemplate {
  /// Names of the known forms, sorted.
  package static var knownNames: [String] { known.keys.sorted() }

  /// The name of the form of a tokenizer whose code has it and whose files do not; nil for any other.
  package static func name(ofTokenizer className: String?) -> String? {
    switch className {
    case "ChatGLMTokenizer": "chatglm3"
    case "ChatGLM4Tokenizer": "glm4"
    default: nil
    }
  }

  /// The template of a known form; nil for another name.
  package static func known(_ name: String) -> String? { known[name] }

  private static let known = [
    // Qwen, SmolLM2 and many fine-tuned models.
    "chatml": """
    {% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\
    {% endfor %}{{ '<|im_start|>assistant\\n' }}
    """,
    // Taori et al. 2023; Dolly has the same words.
    "alpaca": """
    {% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set messages = messages[1:] %}\
    {% else %}{% set system = 'Below is an instruction that describes a task. Write a response that \
    appropriately completes the request.' %}{% endif %}{{ system + '\\n\\n' }}{% for message in messages %}\
    {% if message.role == 'user' %}{{ '### Instruction:\\n' + message.content + '\\n\\n### Response:\\n' }}\
    {% else %}{{ message.content + '\\n\\n' }}{% endif %}{% endfor %}
    """,
    // Vicuna 1.1.
    "vicuna": """
    {% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set messages = messages[1:] %}\
    {% else %}{% set system = "A chat between a curious user and an artificial intelligence assistant. The \
    assistant gives helpful, detailed, and polite answers to the user's questions." %}{% endif %}\
    {{ bos_token + system + ' ' }}{% for message in messages %}{% if message.role == 'user' %}\
    {{ 'USER: ' + message.content + ' ASSISTANT:' }}{% else %}{{ ' ' + message.content + eos_token }}{% endif %}\
    {% endfor %}
    """,
    "llama2": """
    {% if messages[0].role == 'system' %}{% set system = '<<SYS>>\\n' ~ messages[0].content ~ '\\n<</SYS>>\\n\\n' %}\
    {% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}{% for message in messages %}\
    {% if message.role == 'user' %}{{ bos_token + '[INST] ' + (system if loop.first else '') + \
    message.content|trim + ' [/INST]' }}{% else %}{{ ' ' + message.content|trim + ' ' + eos_token }}{% endif %}\
    {% endfor %}
    """,
    "llama3": """
    {{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' \
    + message.content|trim + '<|eot_id|>' }}{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
    """,
    // Instruct 0.1 to 0.3, without a role for the system.
    "mistral": """
    {{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}\
    {{ '[INST] ' + message.content + ' [/INST]' }}{% elif message.role == 'assistant' %}\
    {{ ' ' + message.content|trim + eos_token }}{% else %}\
    {{ raise_exception('mistral has no system message') }}{% endif %}{% endfor %}
    """,
    // Gemma 1 to 3: what the system says stands before the first message.
    "gemma": """
    {{ bos_token }}{% if messages[0].role == 'system' %}{% set system = messages[0].content ~ '\\n\\n' %}\
    {% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}{% for message in messages %}\
    {{ '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\\n' + \
    (system if loop.first else '') + message.content|trim + '<end_of_turn>\\n' }}{% endfor %}\
    {{ '<start_of_turn>model\\n' }}
    """,
    // ChatGLM 3, whose code encodes a role's line and what was said apart, so that a space stands before the latter.
    "chatglm3": """
    {{ '[gMASK]sop' }}{% for message in messages %}{{ '<|' + message.role + '|>\\n ' + message.content }}{% endfor %}\
    {{ '<|assistant|>' }}
    """,
    // GLM-4 before it was in transformers.
    "glm4": """
    {{ '[gMASK]<sop>' }}{% for message in messages %}{{ '<|' + message.role + '|>\\n' + message.content }}{% endfor %}\
    {{ '<|assistant|>' }}
    """,
    "phi3": """
    {% for message in messages %}{{ '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}{% endfor %}\
    {{ '<|assistant|>\\n' }}
    """,
  ]
}
